import type { FileBytes } from './file-bytes.ts';
import { damaged } from './source-refused.ts';
import type { IndexedSource } from './source-track.ts';
export function indexMatroska(_file: FileBytes): IndexedSource {
  throw damaged('todo');
}
