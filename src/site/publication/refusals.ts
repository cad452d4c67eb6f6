/** Reports to central that this site refused a request which central had signed: a replay, or a wrong clock. */
import type { Central } from './central-client.ts';

const REPORT_INTERVAL_MS = 60_000;

export type ReportRefusal = (code: string, detail: string) => void;

/** Reports each code at most once a minute. A report that fails is sent with the next refusal. */
export function createRefusalReporter(
  central: () => Pick<Central, 'reportRefusal'> | undefined,
): ReportRefusal {
  const reportedMs = new Map<string, number>();
  return (code, detail) => {
    const peer = central();
    if (!peer || (reportedMs.get(code) ?? 0) > Date.now() - REPORT_INTERVAL_MS) return;
    reportedMs.set(code, Date.now());
    peer.reportRefusal(code, detail).catch(() => reportedMs.delete(code));
  };
}
