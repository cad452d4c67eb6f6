import { ErrorDetails, ErrorTypes } from 'hls.js';
import { describe, expect, it } from 'vitest';
import { type HlsErrorFacts, judgeHlsError } from './playback-errors.ts';

const error = (facts: Partial<HlsErrorFacts>): HlsErrorFacts => ({
  type: ErrorTypes.NETWORK_ERROR,
  details: ErrorDetails.FRAG_LOAD_ERROR,
  fatal: false,
  segment: { isMain: true, loadedBytes: 0 },
  ...facts,
});

describe('an error of hls.js', () => {
  it.each([
    [ErrorTypes.NETWORK_ERROR, false, 'no-site'],
    [ErrorTypes.NETWORK_ERROR, true, 'no-site'],
    [ErrorTypes.MEDIA_ERROR, false, 'recover-media'],
    [ErrorTypes.MEDIA_ERROR, true, 'unplayable'],
    [ErrorTypes.MUX_ERROR, false, 'unplayable'],
    [ErrorTypes.OTHER_ERROR, false, 'unplayable'],
    [ErrorTypes.KEY_SYSTEM_ERROR, false, 'unplayable'],
  ])('that is fatal, of type %s, after a recovery %s: %s', (type, hasRecovered, next) => {
    expect(judgeHlsError(error({ type, fatal: true }), hasRecovered).next).toBe(next);
  });
  it('distinguishes a site at its limits and an unknown codec from other failures', () => {
    expect(judgeHlsError(error({ fatal: true, status: 503 }), false).next).toBe('busy');
    const type = ErrorTypes.MEDIA_ERROR;
    for (const details of [
      ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR,
      ErrorDetails.BUFFER_ADD_CODEC_ERROR,
      ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR,
    ])
      expect(judgeHlsError(error({ type, details, fatal: true }), false).next).toBe('codec');
  });
  it('that is not fatal changes nothing', () => {
    for (const type of Object.values(ErrorTypes)) {
      expect(judgeHlsError(error({ type }), false).next).toBe('continue');
    }
  });
  it('is a failure of the site if a segment of the main rendition was not delivered', () => {
    const isFailure = (facts: Partial<HlsErrorFacts>) => judgeHlsError(error(facts), false).isSegmentFailure;
    expect(isFailure({})).toBe(true);
    expect(isFailure({ details: ErrorDetails.FRAG_LOAD_TIMEOUT })).toBe(true);
    expect(isFailure({ segment: { isMain: false, loadedBytes: 0 } })).toBe(false);
    expect(isFailure({ details: ErrorDetails.FRAG_PARSING_ERROR })).toBe(false);
    expect(isFailure({ segment: undefined })).toBe(false);
  });
  it('means a slow connection if a segment timed out after some of it had arrived', () => {
    const isSlow = (facts: Partial<HlsErrorFacts>) => judgeHlsError(error(facts), false).isSlowSegment;
    const details = ErrorDetails.FRAG_LOAD_TIMEOUT;
    expect(isSlow({ details, segment: { isMain: true, loadedBytes: 1 } })).toBe(true);
    expect(isSlow({ details, segment: { isMain: false, loadedBytes: 1 } })).toBe(true);
    expect(isSlow({ details })).toBe(false);
    expect(isSlow({ details, segment: undefined })).toBe(false);
    expect(isSlow({ segment: { isMain: true, loadedBytes: 1 } })).toBe(false);
  });
});
