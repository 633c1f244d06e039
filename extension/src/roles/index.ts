// Roles of cells: pure functions over source text and tags, in step with the Python package.

export {
  foldCase,
  isIdentifier,
  nameProblem,
  toIdentifier,
  type INameProblem
} from './identifiers';
export { magicLines, roleOfMagicLine, sourceWithRole, type IMagicLine } from './magicLines';
export { roleOf, withRole, type IRoleText } from './roles';
export { roleOfTag, sameRole, tagOfRole, tagsWithRole, type IRole } from './tags';
