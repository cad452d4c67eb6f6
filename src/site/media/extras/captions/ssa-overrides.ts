/**
 * The overrides of SubStation Alpha, such as `{\an8}` and `{\i1}`, which SubRip files have too: styles become tags of WebVTT, and the
 * place becomes settings of a cue. Pure.
 */

/** The size of the picture to which `\pos` refers. */
export interface PlayResolution {
  readonly width: number;
  readonly height: number;
}

interface OverrideOptions {
  /** 1 to 9, as on a numeric keypad. */
  readonly alignment?: number | undefined;
  /** Absent: positions are ignored. */
  readonly resolution?: PlayResolution;
  /** The text between overrides is not markup. */
  readonly isPlainText?: boolean;
}

const BOTTOM_CENTRE = 2;
const TAG = /\\(an|a|pos|i|b|u|p|r)(?:\(([^()]{0,60})\)|(-?\d{0,5})(?=[\\}]|$))/g;
const STYLES = ['b', 'i', 'u'] as const;
type Style = (typeof STYLES)[number];

/** @returns text with tags of WebVTT, and settings of WebVTT, perhaps none */
export function convertOverrides(
  text: string,
  { alignment = BOTTOM_CENTRE, resolution, isPlainText = false }: OverrideOptions = {},
): { readonly text: string; readonly settings: string } {
  const block = isPlainText ? /(\{[^{}]{0,2000}\})/ : /(\{\\[^{}]{0,200}\})/;
  const wanted = new Set<Style>();
  const open: Style[] = [];
  let [place, isDrawing, result] = [alignment, false, ''];
  let position: readonly [x: number, y: number] | undefined;
  const change = (name: string, inner: string, value: string): void => {
    if (name === 'an' && /^[1-9]$/.test(value)) place = Number(value);
    else if (name === 'a') place = alignmentOfSsa(Number(value)) ?? place;
    else if (name === 'pos') position ??= parsePoint(inner);
    else if (name === 'p') isDrawing = Number(value) > 0;
    else if (name === 'r') wanted.clear();
    else if (name === 'b' || name === 'i' || name === 'u') wanted[Number(value) > 0 ? 'add' : 'delete'](name);
  };
  for (const [index, part] of text.split(block).entries()) {
    if (index % 2 === 1) {
      for (const [, name = '', inner = '', value = ''] of part.matchAll(TAG)) change(name, inner, value);
      continue;
    }
    if (part === '' || isDrawing) continue;
    if (open.length !== wanted.size || !open.every(style => wanted.has(style))) {
      while (open.length > 0) result += `</${open.pop()}>`;
      for (const style of wanted) {
        open.push(style);
        result += `<${style}>`;
      }
    }
    result += isPlainText ? escapeText(part) : part;
  }
  while (open.length > 0) result += `</${open.pop()}>`;
  return { text: result, settings: settingsOf(place, resolution && position, resolution) };
}

/** The numbers of SubStation Alpha before version 4+: 1 to 3 below, 5 to 7 above, 9 to 11 in the middle. */
export function alignmentOfSsa(value: number): number | undefined {
  const column = value & 3;
  if (!Number.isInteger(value) || value < 1 || value > 11 || column === 0) return undefined;
  return column + (value & 4 ? 6 : value & 8 ? 3 : 0);
}

function parsePoint(text: string): readonly [x: number, y: number] | undefined {
  const [x, y] = text.split(',').map(Number);
  return Number.isFinite(x) && Number.isFinite(y) ? [x ?? 0, y ?? 0] : undefined;
}

function settingsOf(
  alignment: number,
  position: readonly [x: number, y: number] | undefined,
  resolution: PlayResolution | undefined,
): string {
  const column = (['left', 'center', 'right'] as const)[(alignment - 1) % 3] ?? 'center';
  const row = Math.ceil(alignment / 3);
  const align = column === 'center' ? '' : `align:${column}`;
  if (!position || !resolution) {
    const line = row === 3 ? 'line:0' : row === 2 ? 'line:50%,center' : '';
    return [line, align].filter(Boolean).join(' ');
  }
  const anchor = row === 3 ? 'start' : row === 2 ? 'center' : 'end';
  const side = column === 'center' ? column : `line-${column}`;
  return [
    `line:${percent(position[1], resolution.height)},${anchor}`,
    `position:${percent(position[0], resolution.width)},${side}`,
    ...(align ? [align] : []),
  ].join(' ');
}

const percent = (value: number, of: number): string =>
  `${Number(Math.min(100, Math.max(0, (100 * value) / of)).toFixed(2))}%`;

const escapeText = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/\\[Nn]/g, '\n')
    .replaceAll('\\h', '&nbsp;');
