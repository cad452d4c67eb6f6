/** A drawing for a video without a poster. */
import { useMemo } from 'preact/hooks';
import { DRAWING_HEIGHT, DRAWING_WIDTH, drawPlaceholder } from './placeholder-drawing.ts';

export function PlaceholderImage({ seed }: { readonly seed: string }) {
  const { background, streams } = useMemo(() => drawPlaceholder(seed), [seed]);
  return (
    <svg
      viewBox={`0 0 ${DRAWING_WIDTH} ${DRAWING_HEIGHT}`}
      width={DRAWING_WIDTH}
      height={DRAWING_HEIGHT}
      aria-hidden="true"
      focusable="false"
    >
      <rect width={DRAWING_WIDTH} height={DRAWING_HEIGHT} fill={background} />
      <g fill="none" stroke-linecap="round" opacity="0.85">
        {streams.map(stream => (
          <path key={stream.path} d={stream.path} stroke={stream.colour} stroke-width={stream.width} />
        ))}
      </g>
    </svg>
  );
}
