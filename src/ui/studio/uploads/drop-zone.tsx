/** Takes files: dropped anywhere on the page, or chosen. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Visibility } from '../../../protocol/publication/record.ts';
import { useSpeech } from '../../i18n/use-translation.tsx';
import { VisibilityChoice } from '../visibility-select.tsx';

interface DropZoneProps {
  readonly maxBytes: number | undefined;
  readonly visibility: Visibility;
  readonly onVisibility: (visibility: Visibility) => void;
  readonly onFiles: (files: readonly File[]) => void;
}

export function DropZone({ maxBytes, visibility, onVisibility, onFiles }: DropZoneProps) {
  const { t, format } = useSpeech();
  const over = useFileDrop(onFiles);
  return (
    <section class={over ? 'drop over' : 'drop'} data-testid="drop" aria-labelledby="drop-heading">
      <h2 id="drop-heading">{over ? t.studio.release : t.studio.drop}</h2>
      <input
        id="file"
        class="hidden-text"
        type="file"
        multiple
        onChange={event => {
          onFiles([...(event.currentTarget.files ?? [])]);
          // The same file may be chosen again.
          event.currentTarget.value = '';
        }}
      />
      <label class="button primary" for="file">
        {t.studio.choose}
      </label>
      <VisibilityChoice value={visibility} onChoose={onVisibility} isInline />
      {maxBytes !== undefined && <p class="quiet">{t.studio.limit(format.size(maxBytes))}</p>}
    </section>
  );
}

/** True while something is dragged over the page. */
function useFileDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const control = new AbortController();
    const on = (kind: 'dragover' | 'dragleave' | 'drop', work: (event: DragEvent) => void): void =>
      window.addEventListener(kind, work, { signal: control.signal });
    on('dragover', event => {
      event.preventDefault();
      setOver(true);
    });
    on('dragleave', event => {
      // Only leaving the window counts, not moving from one element of it to the next.
      if (event.relatedTarget === null) setOver(false);
    });
    on('drop', event => {
      event.preventDefault();
      setOver(false);
      latest.current([...(event.dataTransfer?.files ?? [])]);
    });
    return () => control.abort();
  }, []);
  return over;
}
