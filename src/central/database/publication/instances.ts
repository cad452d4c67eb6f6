/**
 * The processes that have made handshakes with the key of a site. After a restart, the earlier process never returns. If one returns
 * repeatedly, two run at the same time: one of them is a clone, and central accepts only the one that it has known for longer. Pure.
 */
import * as z from 'zod';

const instanceSchema = z.object({
  id: z.string(),
  /** IP address of its first handshake. */
  address: z.string(),
  firstSeenMs: z.number(),
  /** How often it has made a handshake after a later process. */
  returns: z.number(),
  /** When it was last refused, if it is a clone. */
  refusedMs: z.number().optional(),
});
export type Instance = z.infer<typeof instanceSchema>;
const instancesSchema = z.array(instanceSchema);

/** One return may be a request of an ended process that was delayed. */
const RETURNS_OF_CLONED = 2;
const MAX_INSTANCES = 8;
/** A clone that has made no request for this long counts as stopped. A site retries within seconds. */
const SHOWN_FOR_MS = 5 * 60_000;

export const parseInstances = (text: string | null): readonly Instance[] =>
  text === null ? [] : instancesSchema.parse(JSON.parse(text));

export interface Admission {
  /** Ordered by the last change of the accepted process; the last one that is not refused is the current one. */
  readonly instances: readonly Instance[];
  /** The process that central keeps, if the new request is refused. */
  readonly refusedFor?: Instance | undefined;
}

/** Decides whether a process may make a handshake. */
export function admit(
  known: readonly Instance[],
  { id, address }: Pick<Instance, 'id' | 'address'>,
  nowMs: number,
): Admission {
  const found = known.find(instance => instance.id === id);
  const others = known.filter(instance => instance.id !== id);
  if (!found) {
    const added: Instance = { id, address, firstSeenMs: nowMs, returns: 0 };
    return { instances: [...others, added].slice(-MAX_INSTANCES) };
  }
  if (found.refusedMs !== undefined) {
    const current = others.findLast(({ refusedMs }) => refusedMs === undefined);
    // The list is in order of acceptance, and a refused process keeps its place.
    return {
      instances: known.map(each => (each.id === id ? { ...each, refusedMs: nowMs } : each)),
      refusedFor: current,
    };
  }
  const isCurrent = known.findLast(({ refusedMs }) => refusedMs === undefined)?.id === id;
  if (isCurrent) return { instances: known };
  const returned = { ...found, returns: found.returns + 1 };
  if (returned.returns < RETURNS_OF_CLONED) return { instances: [...others, returned] };
  const refused = others.map(other =>
    other.firstSeenMs >= found.firstSeenMs ? { ...other, refusedMs: other.refusedMs ?? nowMs } : other,
  );
  return { instances: [...refused, returned] };
}

/** The clones that are still running. */
export const listClones = (instances: readonly Instance[], nowMs: number): readonly Instance[] =>
  instances.filter(({ refusedMs }) => refusedMs !== undefined && nowMs - refusedMs < SHOWN_FOR_MS);
