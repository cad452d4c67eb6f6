/** Applies the appearance of captions to the page. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Appearance, formatCueStyle, readAppearance, writeAppearance } from './appearance.ts';

export function useAppearance() {
  const [appearance, setAppearance] = useState(readAppearance);
  useEffect(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(formatCueStyle(appearance));
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter(other => other !== sheet);
    };
  }, [appearance]);
  const change = useCallback((next: Appearance) => {
    writeAppearance(next);
    setAppearance(next);
  }, []);
  return { appearance, setAppearance: change };
}
