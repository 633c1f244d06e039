// How far a pipeline is proven, in a few words.

import type { IVerified } from '../../api/types';
import { when } from '../format';

export function Verified({ verified }: { verified: IVerified | null | undefined }) {
  return verified ? (
    <span
      className="cellmill-Verified"
      data-verified={verified.state}
      title={verified.at ? when(Date.parse(verified.at) / 1000) : undefined}
    >
      {verified.words}
    </span>
  ) : null;
}
