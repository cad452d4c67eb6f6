import { describe, expect, it } from 'vitest';
import { chooseKeyAction, type KeyPress } from './key-actions.ts';

const press = (key: string, focus: KeyPress['focus'], hasModifier = false) =>
  chooseKeyAction({ key, focus, hasModifier });
const doing = (key: string, focus: KeyPress['focus']) => press(key, focus)?.do;
const back = { do: 'skip', seconds: -5 };
const forward = { do: 'skip', seconds: 5 };

describe('keys of the player', () => {
  it('space and the arrow keys work while nothing has the focus', () => {
    expect(['ArrowLeft', ' ', 'ArrowRight', 'ArrowUp'].map(key => press(key, 'nothing'))).toEqual([
      back,
      { do: 'toggle' },
      forward,
      undefined,
    ]);
  });
  it('letters and digits work only in the player', () => {
    for (const focus of ['video', 'seek-bar', 'control', 'volume'] as const) {
      expect(['f', 'm', 'c', 'k', '?'].map(key => doing(key, focus))).toEqual([
        'fullscreen',
        'mute',
        'captions',
        'toggle',
        'help',
      ]);
      expect([press('7', focus), press('>', focus)]).toEqual([
        { do: 'seek', to: 0.7 },
        { do: 'speed', by: 0.25 },
      ]);
    }
    for (const focus of ['nothing', 'other'] as const)
      expect(['f', 'm', '7', '?', 'End'].map(key => press(key, focus))).toEqual(Array(5).fill(undefined));
  });
  it('the arrow keys do the same wherever the focus is', () => {
    for (const focus of ['video', 'seek-bar', 'nothing'] as const) {
      expect([' ', 'ArrowLeft', 'ArrowRight'].map(key => press(key, focus))).toEqual([
        { do: 'toggle' },
        back,
        forward,
      ]);
    }
    expect(['ArrowUp', 'ArrowDown'].map(key => press(key, 'seek-bar'))).toEqual([forward, back]);
    expect(['ArrowUp', 'ArrowDown'].map(key => doing(key, 'video'))).toEqual(['volume', 'volume']);
  });
  it('nothing is taken from a field, a button, a slider, or a shortcut of the browser', () => {
    expect([press(' ', 'other'), press('f', 'other'), press('f', 'video', true)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    // Space presses the button.
    expect([press(' ', 'control'), press('ArrowLeft', 'volume'), press('Home', 'volume')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
