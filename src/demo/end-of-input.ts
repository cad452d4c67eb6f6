/** If this environment variable is set, a part stops when its standard input ends. */
export const STOP_AT_END_OF_INPUT = 'TRIBUTARY_STOP_AT_END_OF_INPUT';
