/**
 * Entry of this folder: the files of a site's videos, on local disks or in an object store behind them. Other folders never build
 * a path to a video by themselves.
 */
export { COPY_FOLDER, createStorage, type Storage } from './create-storage.ts';
export type { Disks } from './disks.ts';
export { startOffload } from './offload.ts';
export { openStorage } from './open-storage.ts';
export { type Piece, readScattered } from './scattered-read.ts';
export { readSmallFile } from './small-file.ts';
export type { OpenFile, StoredFile } from './stored-file.ts';
