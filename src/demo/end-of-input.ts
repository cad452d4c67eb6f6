/** A variable of the environment that tells a part to stop when its standard input ends. */
export const STOP_AT_END_OF_INPUT = 'TRIBUTARY_STOP_AT_END_OF_INPUT';
