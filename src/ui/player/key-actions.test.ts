import { describe, expect, it } from 'vitest';
import { chooseKeyAction, type KeyPress } from './key-actions.ts';

const press = (key: string, focus: KeyPress['focus'], hasModifier = false) =>
  chooseKeyAction({ key, focus, hasModifier });

describe('keys of the player', () => {
  it('space and the arrow keys work while nothing has the focus', () => {
    expect(['ArrowLeft', ' ', 'ArrowRight', 'ArrowUp'].map(key => press(key, 'nothing'))).toEqual([
      'back',
      'toggle',
      'forward',
      undefined,
    ]);
  });
  it('letters work only on the video, whose own controls handle the other keys', () => {
    expect(['f', 'm', ' ', 'ArrowLeft'].map(key => press(key, 'video'))).toEqual([
      'fullscreen',
      'mute',
      undefined,
      undefined,
    ]);
    expect(['f', 'm'].map(key => press(key, 'nothing'))).toEqual([undefined, undefined]);
  });
  it('nothing is taken from a field, a button, or a shortcut of the browser', () => {
    expect([press(' ', 'other'), press('f', 'other'), press('f', 'video', true)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
