// How long it is until a moment, going on by itself.

import { useEffect, useState } from 'react';
import { usePanel } from '../panel/context';
import { untilWords } from './words';

export function Until({ moment }: { moment: number }) {
  const { trans } = usePanel();
  const [now, setNow] = useState(() => Date.now() / 1000);
  const near = moment - now < 120;
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), near ? 1000 : 15_000);
    return () => clearInterval(timer);
  }, [near]);
  return <>{untilWords(moment - now, trans)}</>;
}
