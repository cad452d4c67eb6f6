/** What the person may do at this site. With a token about which the site has not responded yet, the site decides. */
import type { Action, Target } from '../../protocol/people/decide.ts';
import type { SiteInfo, SiteVideo } from '../../protocol/site.ts';
import { useMe } from '../me/use-me.tsx';
import type { VideoPermissions } from './video-actions.ts';

export interface StudioPermissions {
  readonly mayUpload: boolean;
  readonly mayPublish: boolean;
  readonly permissionsFor: (video: SiteVideo) => VideoPermissions;
}

export function useStudioPermissions({ id: site }: SiteInfo): StudioPermissions {
  const { me, token, isAllowed, isAllowedSomewhere } = useMe();
  const isUnknown = me === undefined && token !== undefined;
  const may = (action: Action, target: Target): boolean => isUnknown || isAllowed(action, target);
  return {
    mayUpload: isUnknown || isAllowedSomewhere('upload'),
    mayPublish: isUnknown || isAllowedSomewhere('publish'),
    permissionsFor({ owner, series }) {
      const target = { site, series: series?.id, owner: owner?.id };
      return {
        edit: may('edit', target),
        withdraw: may('withdraw', target),
        publish: may('publish', target),
        prioritise: may('manage-site', { site }),
        person: me?.person?.id,
      };
    },
  };
}
