/** Entry of this folder: from the last byte of an upload to a record, a conversion or a rejection. */
export { createIntake, type Intake } from './create-intake.ts';
export { recoverSource } from './recover-source.ts';
