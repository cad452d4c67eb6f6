/** Entry of this folder: detects bit rot in the files of this site's own videos, before their bytes are signed. */
export { BLOCK_BYTES } from './block-hashes.ts';
export { type CheckOptions, checkFiles, type FileDamage } from './check-files.ts';
export { DamagedFile, openChecked } from './checked-file.ts';
