/** Entry of this folder: the poster, storyboard and captions of a video, which are made or uploaded after its publication. */

export {
  CaptionsRejected,
  type Cue,
  formatWebVtt as formatCues,
  parseCaptions,
  parseCues,
} from './captions/cues.ts';
export { readCuesOf, readPublishedCues, tagOf } from './captions/published-cues.ts';
export { addCaptions, replaceCaptions, writeCaptions } from './captions/tracks.ts';
export { ExtraFiles } from './extra-files.ts';
export { MAX_EXTRAS_ATTEMPTS, startExtras } from './start-extras.ts';
