import { expectSound } from './expect-sound.ts';

expectSound(1_001, 1_000);
