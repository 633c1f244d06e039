// A small button that is an icon alone; its title is what it does, its label what a screen reader says.

import type { LabIcon } from '@jupyterlab/ui-components';

interface IIconButtonProps {
  icon: LabIcon;
  title: string;
  label?: string;
  disabled?: boolean;
  onClick: () => void;
}

export function IconButton({ icon: Icon, title, label, disabled, onClick }: IIconButtonProps) {
  return (
    <button
      type="button"
      className="cellmill-IconButton"
      title={title}
      aria-label={label ?? title}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon.react tag="span" />
    </button>
  );
}
