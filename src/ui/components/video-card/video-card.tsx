/** A video in a list: its image, its name as the link, and what the list says of it. */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { isPlainClick } from '../../browser/plain-click.ts';
import { MarkedText } from './marked-text.tsx';
import type { Mark } from './split-marks.ts';
import { usePreview } from './use-preview.ts';
import { type ImageOfVideo, VideoImage } from './video-image.tsx';

interface VideoCardProps extends ImageOfVideo {
  readonly name: string;
  /** The language of the name. */
  readonly language?: string | undefined;
  /** The matches of a search in the name. */
  readonly marks?: readonly Mark[] | undefined;
  /** URL of the storyboard. Absent: there is none. */
  readonly storyboard?: string | undefined;
  readonly href: string;
  /** Opens the video in this page in place of following the link. */
  readonly onOpen?: (() => void) | undefined;
  /** `row`: the text is next to the image. Default: below it. */
  readonly layout?: 'tile' | 'row' | undefined;
  /** The level of the heading in the page. Default: 2. */
  readonly level?: 2 | 3;
  /** Over the start of the image, such as a number in a series. */
  readonly corner?: ComponentChildren;
  /** What the list says of the video, below the name. */
  readonly children?: ComponentChildren;
}

/** An element of a list with the class `cards`. */
export function VideoCard(props: VideoCardProps) {
  const {
    id,
    name,
    language,
    marks = [],
    href,
    onOpen,
    layout = 'tile',
    level = 2,
    corner,
    children,
  } = props;
  const figure = useRef<HTMLElement>(null);
  const { preview, handlers } = usePreview(props.storyboard, figure);
  const Heading = `h${level}` as const;
  return (
    <li class={`card card-${layout}`} data-video={id} {...handlers}>
      <figure ref={figure} class="video-image">
        <VideoImage video={props} preview={preview} />
        {corner !== undefined && <span class="badge image-corner">{corner}</span>}
      </figure>
      <div class="card-text">
        <Heading class="card-name" dir="auto" lang={language}>
          <a
            class="card-link"
            href={href}
            data-testid="card-link"
            onClick={event => {
              if (!onOpen || !isPlainClick(event)) return;
              event.preventDefault();
              onOpen();
            }}
          >
            <MarkedText text={name} marks={marks} />
          </a>
        </Heading>
        {children}
      </div>
    </li>
  );
}

/** Holds the place of cards that are being loaded. */
export function CardSkeletons({
  count,
  layout = 'tile',
}: Pick<VideoCardProps, 'layout'> & { readonly count: number }) {
  return (
    <>
      {Array.from({ length: count }, (_, at) => (
        <li key={at} class={`card card-${layout} skeleton`} aria-hidden="true">
          <figure class="video-image" />
          <div class="card-text">
            <i />
            <i />
          </div>
        </li>
      ))}
    </>
  );
}
