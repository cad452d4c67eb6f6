import { expectSound } from './expect-sound.ts';

expectSound(1, 1_000);
