// Cell tags to roles and back; the same rules as cellmill.notebook.tags. Tags of others are none of our business.

import type { RoleKind } from '../api/types';

/** What a cell is for; `name` is set for steps and checks. */
export interface IRole {
  readonly kind: RoleKind;
  readonly name: string | null;
}

const PLAIN: readonly string[] = ['parameters', 'shared', 'skip'];

/** The role that a tag gives, or null for a tag of somebody else's. */
export function roleOfTag(tag: string): IRole | null {
  if (PLAIN.includes(tag)) {
    return { kind: tag as RoleKind, name: null };
  }
  const colon = tag.indexOf(':');
  const kind = tag.slice(0, colon);
  return kind === 'step' || kind === 'check' ? { kind, name: tag.slice(colon + 1).trim() } : null;
}

/** The tag that gives a role: `step:train`, `shared`. */
export function tagOfRole(role: IRole): string {
  return role.kind === 'step' || role.kind === 'check'
    ? `${role.kind}:${role.name ?? ''}`
    : role.kind;
}

export function sameRole(one: IRole | null, other: IRole | null): boolean {
  return one === other || (one?.kind === other?.kind && one?.name === other?.name);
}

/** The tags of a cell that gets a role: the tag takes the place of ours, and no other tag moves. */
export function tagsWithRole(tags: readonly string[], role: IRole | null): string[] {
  const first = tags.findIndex(tag => roleOfTag(tag) !== null);
  if (first < 0) {
    return role ? [...tags, tagOfRole(role)] : [...tags];
  }
  // A tag that says the same already stays as its author wrote it.
  const tag = role && (sameRole(roleOfTag(tags[first]), role) ? tags[first] : tagOfRole(role));
  return tags.flatMap((one, index) => {
    if (index === first) {
      return tag ? [tag] : [];
    }
    return roleOfTag(one) ? [] : [one];
  });
}
