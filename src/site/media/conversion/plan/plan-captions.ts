/** The job that runs the operator's speech program on the audio of a video. */
import * as z from 'zod';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import { languageSchema } from '../../../../protocol/base/text.ts';
import type { NewJob } from '../../../database/jobs.ts';
import { URGENCY } from './job-kinds.ts';

/** What a worker needs for the job: it has a speech program. */
export const CAPTIONS_NEED = 'captionCommand';

export const captionsPlanSchema = z.object({
  source: z.string(),
  /** Of the audio. Absent: the program detects it. */
  language: languageSchema.optional(),
});

interface CaptionsInput {
  readonly video: VideoId;
  readonly source: string;
  readonly durationMs: number;
  readonly language: string | undefined;
}

export const planCaptions = ({ video, source, durationMs, language }: CaptionsInput): NewJob => ({
  video,
  kind: 'captions',
  urgency: URGENCY.captions,
  needs: [CAPTIONS_NEED],
  plan: { source, ...(language ? { language } : {}) },
  steps: [{ kind: 'captions', after: 0, mediaMs: durationMs }],
});
