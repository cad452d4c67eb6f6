/** The entry file of `copies/`: the loops that store copies of other sites' videos at this site. */
export { startAssignments } from './assignments.ts';
export { startCopyReconciler } from './reconcile-copies.ts';
export { noteDamagedCopy } from './reconcile-copy.ts';
export { startRepairs } from './repair-videos.ts';
