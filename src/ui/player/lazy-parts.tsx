/** The parts of the player that are loaded when somebody opens them. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PlayerMenuProps } from './menu/player-menu.tsx';

function useLoaded<Props>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> | undefined {
  const [loaded, setLoaded] = useState<{ readonly Part: ComponentType<Props> }>();
  useEffect(() => {
    let isMounted = true;
    load().then(Part => isMounted && setLoaded({ Part }), reportError);
    return () => {
      isMounted = false;
    };
  }, [load]);
  return loaded?.Part;
}

const loadMenu = async () => (await import('./menu/player-menu.tsx')).PlayerMenu;
const loadHelp = async () => (await import('./keyboard/help-sheet.tsx')).HelpSheet;

export function LazyMenu(props: PlayerMenuProps) {
  const Menu = useLoaded(loadMenu);
  return Menu ? <Menu {...props} /> : null;
}

export function LazyHelp(props: { readonly onClose: () => void }) {
  const Help = useLoaded(loadHelp);
  return Help ? <Help {...props} /> : null;
}
