/** Accepts files that are dropped anywhere on the page, or selected. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';

interface DropZoneProps {
  readonly maxBytes: number | undefined;
  /** True if there are videos, which need the space more. */
  readonly isSmall: boolean;
  /** The choice of who may watch, and hints. */
  readonly children: ComponentChildren;
  readonly onFiles: (files: readonly File[]) => void;
}

export function DropZone({ maxBytes, isSmall, children, onFiles }: DropZoneProps) {
  const { t, format } = useTranslation();
  const isDragging = useFileDrop(onFiles);
  return (
    <section
      class={`drop ${isSmall ? 'drop-small' : ''} ${isDragging ? 'dragging' : ''}`}
      data-testid="drop"
      aria-labelledby="drop-heading"
    >
      <h2 id="drop-heading">{isDragging ? t.studio.release : t.studio.drop}</h2>
      <input
        id="file"
        class="visually-hidden"
        type="file"
        multiple
        onChange={event => {
          onFiles([...(event.currentTarget.files ?? [])]);
          // Selecting the same file again must fire another event.
          event.currentTarget.value = '';
        }}
      />
      <label class="button primary" for="file">
        {t.studio.choose}
      </label>
      {maxBytes !== undefined && <p class="quiet">{t.studio.limit(format.size(maxBytes))}</p>}
      {children}
    </section>
  );
}

/** @returns true while something is dragged over the page */
function useFileDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [isDragging, setDragging] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  // Before the page is shown: a drop on it must not be lost.
  useLayoutEffect(() => {
    const control = new AbortController();
    const on = (kind: 'dragover' | 'dragleave' | 'drop', work: (event: DragEvent) => void): void =>
      window.addEventListener(kind, work, { signal: control.signal });
    on('dragover', event => {
      event.preventDefault();
      setDragging(true);
    });
    on('dragleave', event => {
      // Moving from one element to the next also fires this event. Only leaving the window counts.
      if (event.relatedTarget === null) setDragging(false);
    });
    on('drop', event => {
      event.preventDefault();
      setDragging(false);
      latest.current([...(event.dataTransfer?.files ?? [])]);
    });
    return () => control.abort();
  }, []);
  return isDragging;
}
