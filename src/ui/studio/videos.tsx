/** The uploads and videos of a person who may use the studio: the list, or the page of one video. The uploads continue on both. */
import { useMemo, useRef, useState } from 'preact/hooks';
import type { AudienceOfVideo } from '../../protocol/people/audience.ts';
import type { SiteInfo, SiteVideo } from '../../protocol/site.ts';
import type { SiteChanges } from '../../protocol/studio.ts';
import { useAddressQuery } from '../browser/use-address.tsx';
import { useGroupNames } from '../components/audience/use-group-names.ts';
import { Notice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { AudienceChoice, isComplete } from './audience-choice.tsx';
import { VideoPage } from './details/video-page.tsx';
import { formatListQuery, parseListQuery, toCallQuery } from './list/list-query.ts';
import { jobsOf } from './list/list-state.ts';
import { ListView } from './list/list-view.tsx';
import { useStudioList } from './list/use-studio-list.ts';
import { CloneNotice, ConversionNotice } from './site-status.tsx';
import { makeJobCalls, makeVideoCalls } from './studio-calls.ts';
import { DropZone } from './uploads/drop-zone.tsx';
import { findFileProblem } from './uploads/upload-list.ts';
import { useUploads } from './uploads/use-uploads.ts';
import { useSeries } from './use-series.ts';
import { useStudioPermissions } from './use-studio-permissions.ts';

interface VideosProps {
  readonly site: SiteInfo;
  /** Something has changed, so the state of the site may have, too. */
  readonly onChange: () => void;
}

export function Videos({ site, onChange }: VideosProps) {
  const { t } = useTranslation();
  const { token, me } = useMe();
  const address = useAddressQuery();
  const video = address.get('video') ?? undefined;
  const [fileProblems, setFileProblems] = useState<readonly string[]>([]);
  const [audience, setAudience] = useState<AudienceOfVideo>({ audience: 'public', groups: [] });
  const [changeCount, setChangeCount] = useState(0);
  // The list stays as it was while the page of a video is open.
  const lastQuery = useRef(parseListQuery(address));
  const query = useMemo(
    () => (video === undefined ? parseListQuery(address) : lastQuery.current),
    [String(address)],
  );
  lastQuery.current = query;
  const callQuery = String(toCallQuery(query, me?.person?.id));
  const list = useStudioList(callQuery, token, ({ videos, removed }: SiteChanges) => {
    if (videos.length + removed.length === 0) return;
    setChangeCount(count => count + 1);
    onChange();
  });
  useForgetRefused(list.error);
  const uploads = useUploads(token, site.chunkBytes, list.refresh);
  const permissions = useStudioPermissions(site);
  const groups = useGroupNames(true);
  const series = useSeries(token);
  const addFiles = useAddFiles(site.maxUploadBytes, setFileProblems, file =>
    uploads.queue.add(file, audience),
  );
  const shared = {
    ...{ site, token, groups, series },
    jobCalls: makeJobCalls(token, list),
    callsOf: (of: SiteVideo) => makeVideoCalls(token, of, list),
    permissionsOf: permissions.permissionsFor,
  };
  const drop = permissions.mayUpload ? (
    <DropZone
      maxBytes={site.maxUploadBytes}
      isSmall={video !== undefined || (list.value?.counts.all ?? 0) > 0 || uploads.items.length > 0}
      onFiles={files => (isComplete(audience) ? addFiles(files) : setFileProblems([t.audience.chooseGroup]))}
    >
      <details class="audience-of-upload">
        <summary>
          {t.audience.label}: {t.audience.names[audience.audience]}
        </summary>
        <AudienceChoice value={audience} groups={groups} onChoose={setAudience} isOffered={() => true} />
      </details>
      {!permissions.mayPublish && <p data-testid="needs-approval">{t.approval.uploadHint}</p>}
    </DropZone>
  ) : (
    <p class="quiet">{t.approval.notUploader}</p>
  );
  return (
    <>
      <div class="stack">
        <CloneNotice stoppedBecause={site.stoppedBecause} />
        <ConversionNotice conversion={site.conversion} />
      </div>
      {video === undefined && drop}
      {fileProblems.length > 0 && (
        <Notice kind="error" testId="file-problems">
          {fileProblems.map(problem => (
            <p key={problem}>{problem}</p>
          ))}
        </Notice>
      )}
      {video === undefined ? (
        <ListView
          {...shared}
          {...{ query, callQuery, list, uploads, permissions }}
          hasPerson={me?.person != null}
        />
      ) : (
        <VideoPage
          key={video}
          {...shared}
          id={video}
          changeCount={changeCount}
          listed={list.value?.videos.find(({ id }) => id === video)}
          jobs={list.value ? jobsOf(list.value, video) : []}
          back={formatListQuery(query)}
        />
      )}
    </>
  );
}

function useAddFiles(
  maxBytes: number | undefined,
  onProblems: (problems: readonly string[]) => void,
  add: (file: File) => void,
): (files: readonly File[]) => void {
  const { t, format } = useTranslation();
  return files => {
    const problems: string[] = [];
    for (const file of files) {
      const problem = findFileProblem(file, maxBytes);
      if (problem === 'empty') problems.push(t.studio.emptyFile(file.name));
      else if (problem === 'too-large') {
        problems.push(t.studio.tooLarge(file.name, format.size(maxBytes ?? 0)));
      } else add(file);
    }
    onProblems(problems);
  };
}
