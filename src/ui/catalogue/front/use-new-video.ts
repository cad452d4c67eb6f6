/** Announces a video that was published while the page is open. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { CatalogueItem } from '../data/item.ts';

/** @returns the text for screen readers; empty at first */
export function useNewVideo(items: readonly CatalogueItem[] | undefined): string {
  const { t } = useTranslation();
  const [announcement, setAnnouncement] = useState('');
  const known = useRef<Set<string> | undefined>(undefined);
  useEffect(() => {
    if (!items) return;
    const before = known.current;
    const [newest] = before ? items.filter(({ id }) => !before.has(id)) : [];
    // A withdrawal moves older videos into the row. The first one is new only if it was not known.
    if (newest && newest === items[0]) setAnnouncement(t.catalogue.newVideo(newest.name));
    known.current = new Set([...(before ?? []), ...items.map(({ id }) => id)]);
  }, [items, t]);
  return announcement;
}
