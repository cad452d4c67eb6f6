/** Entry of this folder: detects bit rot in the files of this site's own videos, before their bytes are signed. */
export { BLOCK_BYTES } from './block-hashes.ts';
export { checkFiles } from './check-files.ts';
export { DamagedFile, openChecked } from './checked-file.ts';
