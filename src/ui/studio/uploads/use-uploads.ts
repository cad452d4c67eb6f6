/** Connects the upload queue to the studio page. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { UploadList } from './upload-list.ts';
import { startUploadQueue } from './upload-queue.ts';

export function useUploads(token: string | undefined, chunkBytes: number | undefined, onSent: () => void) {
  const [items, setItems] = useState<UploadList>([]);
  const latest = useRef({ token, chunkBytes, onSent });
  latest.current = { token, chunkBytes, onSent };
  const queue = useMemo(
    () =>
      startUploadQueue({
        readToken: () => latest.current.token,
        readChunkBytes: () => latest.current.chunkBytes ?? Number.POSITIVE_INFINITY,
        onChange: setItems,
        onSent: () => latest.current.onSent(),
      }),
    [],
  );
  useLeaveWarning(items.some(item => item.state === 'sending'));
  return { items, queue };
}

/** The browser asks the person before it leaves a page with uploads in progress. */
function useLeaveWarning(isSending: boolean): void {
  useEffect(() => {
    if (!isSending) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isSending]);
}
