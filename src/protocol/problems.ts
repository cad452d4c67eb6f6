/**
 * Every failure that a part reports to a caller, by its stable code (RFC 9457). A code has one status. `title` never changes
 * with the occurrence; the `detail` of a response may say more. docs/errors.md is generated from this table.
 */

export interface ProblemDefinition {
  /** HTTP status code. */
  readonly status: number;
  /** What is wrong, without a full stop (RFC 9457, section 3.1.3). */
  readonly title: string;
  /** True if the same request can succeed later without a change by the caller. */
  readonly retry: boolean;
  /** A sentence that says what the reader can do. */
  readonly advice: string;
}

const entry = (status: number, title: string, advice: string, retry = false): ProblemDefinition => ({
  status,
  title,
  retry,
  advice,
});
const RETRY = true;

export const PROBLEMS = {
  // Requests
  'request-invalid': entry(400, 'Invalid request', 'Correct the named fields and send the request again.'),
  'request-malformed': entry(400, 'Not an HTTP request', 'Check that the client uses HTTP/1.1 on this port.'),
  'json-malformed': entry(400, 'The body is not valid JSON', 'Send a JSON body encoded as UTF-8.'),
  'address-malformed': entry(400, 'Malformed address', 'Percent-encode the address as UTF-8.'),
  'body-too-large': entry(413, 'Request body too large', 'Send a smaller body.'),
  'headers-too-large': entry(
    431,
    'Address and headers too large',
    'Send a shorter address or fewer headers.',
  ),
  'request-timeout': entry(408, 'Request timed out', 'Send the request faster.', RETRY),
  'media-type-unsupported': entry(415, 'Unsupported media type', 'Send the body as application/json.'),
  'method-not-allowed': entry(405, 'Method not allowed', 'Use one of the methods in the Allow header.'),
  'not-found': entry(404, 'Not found', 'Check the address.'),
  'cursor-invalid': entry(400, 'Invalid cursor', 'Start again without a cursor.'),
  'client-invalid': entry(400, 'Invalid client address', 'Give one IP address, for example 10.1.2.3.'),
  'prefix-invalid': entry(400, 'Invalid network prefix', 'Write for example 10.1.0.0/16 or 2001:db8::/32.'),
  'format-unknown': entry(404, 'Unknown playlist format', 'Request .m3u8 (HLS) or .mpd (DASH).'),
  'range-unsatisfiable': entry(
    416,
    'Range not satisfiable',
    'Request a range within the length of the file.',
  ),

  // State of the part
  internal: entry(500, 'Internal error', 'Look into the log of this part.'),
  'not-ready': entry(503, 'Not ready yet', 'Try again in a moment.', RETRY),
  starting: entry(503, 'Starting', 'Try again in a moment.', RETRY),
  busy: entry(503, 'Overloaded', 'Try again in a moment.', RETRY),
  'connections-full': entry(
    503,
    'Too many connections',
    'Close some connections, or try again in a moment. The operator can raise connectionsPerAddress.',
    RETRY,
  ),
  'part-unreachable': entry(
    502,
    'Part of the site unreachable',
    'Start that part of the site, or check its address.',
    RETRY,
  ),
  'database-unavailable': entry(
    503,
    'Database unavailable',
    'Acknowledged data is safe. Try again in a moment.',
    RETRY,
  ),
  'database-busy': entry(
    503,
    'Database overloaded',
    'Try again in a moment. If this persists, raise max_connections of the database.',
    RETRY,
  ),
  'database-read-only': entry(
    503,
    'Database is read-only',
    'Point the configuration to the primary instead of a standby.',
    RETRY,
  ),
  'database-damaged': entry(500, 'Database damaged', 'Restore the database from a backup (docs/backup.md).'),
  'site-read-only': entry(
    503,
    'Site is read-only because its database is damaged',
    'Restore the database of the site from a backup (docs/backup.md).',
  ),
  'disk-full': entry(
    507,
    'Disk full',
    'Free disk space on this machine, then try again. Nothing was changed.',
    RETRY,
  ),
  'storage-failed': entry(
    503,
    'Storage failed',
    'Check the disks and the open files of this machine, then try again.',
    RETRY,
  ),
  'file-damaged': entry(
    500,
    'The disk has altered this file',
    'Play from another site. The site repairs the file from a copy, if another site has one.',
    RETRY,
  ),
  'disk-unavailable': entry(
    503,
    'Disk unavailable',
    'Mount the disk again, or play the video from another site.',
    RETRY,
  ),

  // Credentials
  'token-needed': entry(
    401,
    'Operator token required',
    'Send the operator token as "Authorization: Bearer …".',
  ),
  'tracker-missing': entry(503, 'No tracker has joined', 'Add a tracker on the admin page.'),
  'credential-invalid': entry(401, 'Invalid credential', 'Sign in again, or send a valid token.'),
  'sign-in-needed': entry(
    401,
    'Sign-in required',
    'Sign in, or send an API token as "Authorization: Bearer …".',
  ),
  'sign-in-failed': entry(401, 'Sign-in failed', 'Check the e-mail address and the password.'),
  'password-wrong': entry(403, 'Wrong password', 'Enter your current password.'),
  'password-weak': entry(
    400,
    'Password too easy to guess',
    'Use at least 10 characters, for example several words that do not belong together, without your name.',
  ),
  'sign-in-limited': entry(429, 'Too many attempts to sign in', 'Wait a few minutes, then try again.', RETRY),
  'sign-in-unavailable': entry(
    503,
    'This way to sign in does not respond',
    'Try again in a moment, or choose another way to sign in.',
    RETRY,
  ),
  'sign-in-expired': entry(
    400,
    'Sign-in not completed',
    'The sign-in took too long, was used already, or began in another browser. Sign in again.',
  ),
  'central-unreachable': entry(
    503,
    'Central cannot be reached',
    'Try again in a moment. In an emergency, use the operator token of this part.',
    RETRY,
  ),
  'sign-in-refused': entry(403, 'Sign-in refused', 'Ask an administrator whether this account may sign in.'),
  'link-invalid': entry(
    410,
    'Link not valid',
    'The link was used, has expired or is incomplete. Ask for a new one.',
  ),
  'code-invalid': entry(403, 'Sign-in code not valid', 'Sign in again from the page of the site.'),
  'not-permitted': entry(403, 'Not permitted', 'Ask an administrator for a role with this permission.'),
  'person-unknown': entry(404, 'Person not found', 'Check the id or the e-mail address.'),
  'person-exists': entry(409, 'Person exists', 'Edit the person who has this e-mail address instead.'),
  'group-unknown': entry(404, 'Group not found', 'Reload the list of groups.'),
  'group-exists': entry(409, 'Group exists', 'Choose another name.'),
  'credential-unknown': entry(404, 'Session or token not found', 'Reload the list.'),
  'last-operator': entry(409, 'Last operator', 'Give another person the role operator for everything first.'),
  'video-changed': entry(
    412,
    'Somebody else has edited this video',
    'Reload the video, and enter your changes again.',
  ),
  'approval-unneeded': entry(409, 'Not awaiting approval', 'Reload the list of videos.'),
  'cross-origin': entry(403, 'Cross-origin request refused', "Make changes from this server's own pages."),
  'role-mismatch': entry(
    403,
    'Wrong role for this call',
    'Call this address from a member of the named role.',
  ),
  'signature-missing': entry(401, 'Signature required', 'Sign the request (RFC 9421, Ed25519).'),
  'signature-lifetime': entry(401, 'Signature lifetime too long', 'Shorten the lifetime of the signature.'),
  'signature-invalid': entry(401, 'Invalid signature', 'Sign exactly the request that is sent.'),
  'signature-misdirected': entry(
    401,
    'Signed for another recipient',
    'Sign the request for the address of its recipient, or set "baseUrl" and "hosts" of the recipient.',
  ),
  'signature-replayed': entry(401, 'Signature already used', 'Sign every request with a new nonce.'),
  'digest-mismatch': entry(
    401,
    'Content-Digest does not match',
    'Compute the digest over the body that is sent.',
  ),
  'key-unknown': entry(401, 'Unknown or revoked key', 'Let the member join again.'),
  'clock-off': entry(401, 'Clocks differ too much', "Synchronise the signer's clock (NTP)."),

  // Membership
  'not-joined': entry(503, 'Not joined', 'Join this part to central first.', RETRY),
  'join-token-missing': entry(
    400,
    'No join token',
    'Create a join token on the admin page of central, and set `joinToken`.',
  ),
  'join-token-unknown': entry(
    401,
    'Unknown join token',
    'Create a new join token on the admin page of central.',
  ),
  'join-token-expired': entry(
    401,
    'Join token expired',
    'Create a new join token on the admin page of central.',
  ),
  'key-retired': entry(409, 'Revoked or replaced key', 'Join with a new key.'),
  'join-token-used': entry(
    409,
    'Join token already used',
    'Create a new join token on the admin page of central.',
  ),
  'join-role-mismatch': entry(
    409,
    'Join token is for another role',
    'Use a join token that was made for this role.',
  ),
  'base-url-taken': entry(
    409,
    'Base URL already in use',
    'Use another base URL, or revoke the member that has it.',
  ),
  'oembed-format': entry(501, 'Unknown oEmbed format', 'Request format=json or format=xml.'),
  'series-unknown': entry(404, 'Series not found', 'Check the id of the series.'),
  'series-too-many': entry(409, 'Too many series', 'Delete a series first.'),
  'schedule-invalid': entry(400, 'Schedule not possible', 'Choose other times, or withdraw the video.'),
  'fields-invalid': entry(
    400,
    'Value of a field not permitted',
    'Choose a permitted value. GET /api/fields lists the fields.',
  ),
  'series-exists': entry(409, 'Series already exists', 'Use another id, or change the series that has it.'),
  'image-invalid': entry(415, 'Not a usable image', 'Send a PNG, JPEG or WebP image within the limits.'),
  'site-unknown': entry(404, 'Site not found', 'Check the id of the site.'),
  'site-revoked': entry(403, 'Site revoked', 'Ask the administrator to invite the site again.'),
  'tracker-unknown': entry(404, 'Tracker not found', 'Check the id of the tracker.'),

  // Publication
  'epoch-mismatch': entry(409, 'Another epoch is in force', 'Repeat the handshake.', RETRY),
  'site-cloned': entry(
    409,
    'Another process runs with the key of this site',
    'Stop one of the two, or let one of them join as another site.',
  ),
  'handshake-superseded': entry(
    409,
    'Handshake superseded',
    'Repeat the handshake for the current start.',
    RETRY,
  ),
  'handshake-pending': entry(503, 'Handshake pending', 'Wait until the site can reach central.', RETRY),
  'site-busy': entry(503, 'Site busy writing records', 'Try again in a moment.', RETRY),
  'site-database-closed': entry(
    502,
    'Access to the site database denied',
    'Grant central access (docs/databases.md).',
    RETRY,
  ),
  'lease-lost': entry(409, 'Lease lost', 'Another central process has taken over this work.', RETRY),
  'link-closed': entry(502, 'Link closed', 'The site opens its link when it can reach central.', RETRY),
  'link-busy': entry(503, 'Too many requests on this link', 'Try again in a moment.', RETRY),
  'request-expired': entry(410, 'Request expired', 'Drop the response: the caller no longer waits for it.'),
  'peer-unreachable': entry(
    502,
    'Peer unreachable',
    'Check that the peer runs and that its address is right.',
    RETRY,
  ),
  'peer-malformed': entry(
    502,
    'Unexpected response from a peer',
    'Check the address and the version of the peer.',
    RETRY,
  ),
  'peer-too-large': entry(
    502,
    'Response of a peer too large',
    'Check the address and the version of the peer.',
    RETRY,
  ),
  'peer-error': entry(502, 'A peer reported an error', 'Look into the log of the peer.', RETRY),
  'peer-site-mismatch': entry(
    502,
    'Another site answers at this address',
    'Correct the base URL of the site.',
    RETRY,
  ),
  'peer-hash-mismatch': entry(502, 'Record does not match its hash', 'Look into the log of the peer.', RETRY),
  'peer-repeats': entry(
    502,
    'Site offers acknowledged records again',
    'Look into the log and the disk of the site.',
    RETRY,
  ),

  // Catalogue and administration
  'video-unknown': entry(404, 'Video not found', 'Check the address. The video may not be published yet.'),
  'video-scheduled': entry(
    409,
    'Video not published yet',
    'Wait until its publishAt, or watch it in the studio of its site.',
  ),
  'video-withdrawn': entry(410, 'Video withdrawn', 'Choose another video.'),
  'video-public': entry(409, 'Video is public', 'Share its address: no grant is needed.'),
  'grant-unknown': entry(404, 'Grant not found', 'Reload the list of links.'),
  'grant-expired': entry(403, 'Link expired', 'Ask the sender for a new link.'),
  'grant-revoked': entry(403, 'Link revoked', 'Ask the sender for a new link.'),
  'rule-unknown': entry(404, 'Rule not found', 'Reload the list of rules.'),
  'rules-too-many': entry(409, 'Too many rules', 'Remove a rule first.'),

  // Playback
  'no-source': entry(503, 'No site can serve this video', 'Try again in a moment.', RETRY),
  'revision-unknown': entry(404, 'Revision not found', 'Request the video again.'),
  'file-unknown': entry(404, 'File not found', 'Request the playlist again.'),
  'fill-failed': entry(502, 'Fetching the file failed', 'Try again, or play from another site.', RETRY),
  'cut-failed': entry(500, 'Packaging the file failed', 'Look into the log of the site.'),
  'link-full': entry(503, 'Uplink at capacity', 'Play from another site, or try again in a moment.', RETRY),
  'budget-used': entry(503, 'Daily upload limit reached', 'Play from another site.', RETRY),
  'uploads-only': entry(503, 'Site does not serve viewers', 'Play from another site.'),
  'token-expired': entry(403, 'Address expired', 'Open the original link again.'),
  'token-invalid': entry(403, 'Invalid access token', 'Open the original link again.'),

  // Uploads
  'file-empty': entry(400, 'File is empty', 'Choose another file.'),
  'metadata-malformed': entry(
    400,
    'Malformed Upload-Metadata',
    'Encode Upload-Metadata as tus 1.0.0 describes.',
  ),
  'metadata-invalid': entry(400, 'Invalid metadata', 'Correct the named metadata.'),
  'metadata-too-large': entry(
    400,
    'Metadata too large',
    'Send less with the upload, and the rest with PATCH /api/videos/{id}.',
  ),
  'upload-length-needed': entry(400, 'Upload-Length required', 'Send Upload-Length.'),
  'upload-offset-needed': entry(400, 'Upload-Offset required', 'Send Upload-Offset.'),
  'upload-type-wrong': entry(
    415,
    'Wrong content type',
    'Send "Content-Type: application/offset+octet-stream".',
  ),
  'upload-too-large': entry(413, 'Upload too large', 'Upload a smaller file.'),
  'upload-malformed': entry(400, 'Malformed upload request', 'Follow tus 1.0.0.'),
  'upload-finished': entry(403, 'Upload already complete', 'Withdraw the video in the studio to remove it.'),
  'upload-unknown': entry(404, 'Upload not found', 'Start a new upload.'),
  'upload-cancelled': entry(410, 'Upload cancelled', 'Start a new upload.'),
  'upload-gone': entry(410, 'Upload no longer available', 'Start a new upload.'),
  'upload-offset-conflict': entry(
    409,
    'Wrong upload offset',
    'Ask for the current offset (HEAD) and continue there.',
    RETRY,
  ),
  'upload-busy': entry(
    423,
    'Upload in use',
    'Another request writes to this upload. Try again in a moment.',
    RETRY,
  ),
  'upload-checksum-unsupported': entry(
    400,
    'Unsupported checksum',
    'Use one of the algorithms in Tus-Checksum-Algorithm.',
  ),
  'upload-checksum-mismatch': entry(460, 'Checksum mismatch', 'Send the bytes again.', RETRY),
  'upload-parts-invalid': entry(
    400,
    'Invalid partial uploads',
    'Complete all partial uploads, then name them in Upload-Concat.',
  ),
  'upload-failed': entry(500, 'Upload failed', 'Resume the upload.', RETRY),
  'tus-version-unsupported': entry(412, 'Unsupported tus version', 'Send "Tus-Resumable: 1.0.0".'),

  // Studio
  'captions-missing': entry(
    415,
    'No caption file',
    'Send the caption file as text/vtt or application/x-subrip.',
  ),
  'captions-invalid': entry(
    422,
    'Invalid caption file',
    'Upload WebVTT (.vtt), SubRip (.srt) or SubStation Alpha (.ass).',
  ),
  'captions-changed': entry(
    412,
    'Captions changed',
    'Load the captions again, then make your changes again.',
  ),
  'captions-match-needed': entry(
    428,
    'If-Match needed',
    'Send the ETag of the captions that you have changed as If-Match.',
  ),
  'captions-program-missing': entry(
    409,
    'No speech program',
    'Set captionCommand in the configuration of the site, or upload a caption file.',
  ),
  'captions-being-created': entry(
    409,
    'Captions are being created',
    'Wait until the program has finished, or cancel its job.',
  ),
  'captions-too-many': entry(409, 'Too many caption tracks', 'Remove a caption track first.'),
  'captions-unknown': entry(404, 'Captions not found', 'Reload the page.'),
  'job-unknown': entry(404, 'Conversion not found', 'Reload the page.'),
  'job-ended': entry(409, 'Conversion has ended', 'Reload the page.'),
  'video-taken-over': entry(
    409,
    'Video taken over from a lost site',
    'Its files cannot be changed any more.',
  ),
  'trim-invalid': entry(
    422,
    'Nothing is left between the marks',
    'Set the start before the end, within the video.',
  ),
  'download-not-allowed': entry(
    403,
    'Download not allowed',
    'Watch the video, or ask its author to allow downloads.',
  ),
  'video-not-ready': entry(409, 'Video not ready', 'Wait until the video is ready.', RETRY),

  // Rejected sources: why an upload cannot be published. The studio shows them with the video.
  empty: entry(422, 'Empty file', 'Upload the file again.'),
  'not-media': entry(422, 'Not a video file', 'Upload a video file such as MP4, MOV, MKV or WebM.'),
  'container-unsupported': entry(422, 'Unsupported container', 'Export the video as MP4, MOV, MKV or WebM.'),
  'codec-unsupported': entry(422, 'Unsupported codec', 'Export the video as H.264 with AAC.'),
  protected: entry(422, 'Encrypted video', 'Upload a version without DRM.'),
  truncated: entry(422, 'Incomplete file', 'Upload the whole file again.'),
  damaged: entry(422, 'Damaged file', 'Check that the file plays on your computer, and export it again.'),
  'no-tracks': entry(422, 'Neither video nor audio', 'Choose the video file itself.'),
  'structure-unsupported': entry(422, 'Unsupported file structure', 'Export the video again as MP4.'),
  'segments-too-large': entry(
    422,
    'Key frames too far apart',
    'Export the video with a key frame every few seconds.',
  ),
  'check-exceeded': entry(422, 'Checking the file took too long', 'Export the video again as MP4.'),
  'check-crashed': entry(422, 'Checking the file crashed', 'Export the video again and upload the new file.'),
  'check-failed': entry(500, 'Checking the file failed', 'Try again in the studio.', RETRY),
  'source-lost': entry(410, 'Source lost', 'Upload the file again.'),
  superseded: entry(410, 'Taken over by another site', 'Edit the video at the site that holds it now.'),
  'conversion-failed': entry(500, 'Conversion failed', 'Try again in the studio.', RETRY),
  'conversion-incomplete': entry(500, 'Conversion incomplete', 'Try again in the studio.', RETRY),
  'conversion-cancelled': entry(409, 'Conversion cancelled', 'Start the conversion again in the studio.'),

  // Entries of the signal log
  'digest-differs': entry(
    409,
    'Catalogue differs from the site',
    'Central reads all records of the site again.',
    RETRY,
  ),
} as const satisfies Readonly<Record<string, ProblemDefinition>>;

export type ProblemCode = keyof typeof PROBLEMS;

export const isProblemCode = (code: unknown): code is ProblemCode =>
  typeof code === 'string' && Object.hasOwn(PROBLEMS, code);

/** The `type` of a problem (RFC 9457, section 3.1.1): its section in docs/errors.md. */
export const problemType = (code: ProblemCode): string => `https://tributary.video/docs/errors#${code}`;

/** The detail of a problem whose occurrence adds nothing to its definition. */
export const defaultDetail = (code: ProblemCode): string =>
  `${PROBLEMS[code].title}. ${PROBLEMS[code].advice}`;
