// What one cell is for: its tags and its magic line weighed against each other; the magic line wins.

import type { ICellRole } from '../api/types';
import { magicLines, roleOfMagicLine, sourceWithRole } from './magicLines';
import { roleOfTag, sameRole, tagsWithRole, type IRole } from './tags';

/** The role of a code cell; the same answer as cellmill.notebook.roles.read_role. */
export function roleOf(source: string, tags: readonly string[]): ICellRole | null {
  const [magic] = magicLines(source);
  const spoken = magic ? roleOfMagicLine(magic) : null;
  if (spoken) {
    return { ...spoken, origin: 'magic' };
  }
  for (const tag of tags) {
    const role = roleOfTag(tag);
    if (role) {
      return { ...role, origin: 'tag' };
    }
  }
  return null;
}

/** What of a cell decides its role. */
export interface IRoleText {
  source: string;
  tags: string[];
}

/**
 * A cell's source and tags with another role.
 *
 * Where there is a magic line it is edited, keeping its options; tags of ours that would contradict it go.
 * Otherwise the tag is written. Tags of others stay as they are, where they are.
 */
export function withRole(source: string, tags: readonly string[], role: IRole | null): IRoleText {
  if (!magicLines(source).length) {
    return { source, tags: tagsWithRole(tags, role) };
  }
  const first = role ? tags.findIndex(tag => sameRole(roleOfTag(tag), role)) : -1;
  return {
    source: sourceWithRole(source, role),
    tags: tags.filter((tag, index) => index === first || !roleOfTag(tag))
  };
}
