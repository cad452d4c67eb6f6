import { useMemo } from 'preact/hooks';
import { drawFlow, PICTURE_HEIGHT, PICTURE_WIDTH } from './placeholder-drawing.ts';

export function Picture({ seed }: { readonly seed: string }) {
  const { ground, streams } = useMemo(() => drawFlow(seed), [seed]);
  return (
    <svg
      viewBox={`0 0 ${PICTURE_WIDTH} ${PICTURE_HEIGHT}`}
      width={PICTURE_WIDTH}
      height={PICTURE_HEIGHT}
      aria-hidden="true"
      focusable="false"
    >
      <rect width={PICTURE_WIDTH} height={PICTURE_HEIGHT} fill={ground} />
      <g fill="none" stroke-linecap="round" opacity="0.85">
        {streams.map(stream => (
          <path key={stream.path} d={stream.path} stroke={stream.colour} stroke-width={stream.width} />
        ))}
      </g>
    </svg>
  );
}
