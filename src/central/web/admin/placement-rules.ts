/** The operator's calls for copy rules. A removed rule can be restored until its first copy is deleted. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import {
  type PlacementRule,
  placementRuleSchema,
  ruleListSchema,
  rulesChangeSchema,
  rulesPreviewSchema,
  type StoredRule,
  storedRuleSchema,
} from '../../../protocol/copies.ts';
import {
  insertRule,
  listActiveRules,
  listRules,
  removeRule,
  restoreRule,
} from '../../database/copies/placement-input.ts';
import { findMember } from '../../database/sites.ts';
import { previewChange } from '../../placement/preview.ts';
import { readPlacementState } from '../../placement-loop.ts';
import { audit } from '../context/audit.ts';
import type { CentralContext } from '../context/context.ts';

const MAX_RULES = 10_000;

const parameters = z.object({ id: z.string().max(60) });

export function addPlacementRuleCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;
  const retentionMs = context.config.copyRetention;

  app.get('/api/placement-rules', { schema: { response: { 200: ruleListSchema } } }, async () => {
    return { rules: (await listRules(db)).map(rule => formatRule(rule, retentionMs)) };
  });

  app.post(
    '/api/placement-rules',
    { schema: { body: placementRuleSchema, response: { 201: storedRuleSchema } } },
    async (request, reply) => {
      const rule = request.body;
      for (const site of sitesNamedIn(rule)) {
        if ((await findMember(db, site))?.role !== 'site') throw unknownSite();
      }
      if ((await listActiveRules(db)).length >= MAX_RULES) {
        throw problem('rules-too-many', `At most ${MAX_RULES} rules are allowed.`);
      }
      const stored = await db.transaction().execute(async tx => {
        const inserted = await insertRule(tx, rule, Date.now());
        const object = `rule:${inserted.id}`;
        await audit(request, context, { action: 'rule.create', object, after: { ...rule } }, tx);
        return inserted;
      });
      changes.notify();
      return reply.code(201).send(stored);
    },
  );

  app.delete('/api/placement-rules/:id', { schema: { params: parameters } }, async (request, reply) => {
    const { id } = request.params;
    await db.transaction().execute(async tx => {
      const removed = (await listRules(tx)).find(each => each.id === id);
      if (!removed || !(await removeRule(tx, id, Date.now()))) {
        throw problem('rule-unknown', 'There is no such rule.');
      }
      const before = { ...removed.rule };
      await audit(request, context, { action: 'rule.delete', object: `rule:${id}`, before }, tx);
    });
    changes.notify();
    return reply.code(204).send();
  });

  app.post(
    '/api/placement-rules/:id/restore',
    {
      schema: {
        description: 'Undoes the removal of a rule, until its first copy is deleted (operator).',
        params: parameters,
        response: { 200: storedRuleSchema },
      },
    },
    async request => {
      const { id } = request.params;
      const restored = await db.transaction().execute(async tx => {
        const isRestored = await restoreRule(tx, id);
        const found = (await listRules(tx)).find(each => each.id === id);
        if (!isRestored || !found) {
          throw problem('rule-unknown', 'There is no removed rule of this id that can still be restored.');
        }
        const after = { ...found.rule };
        await audit(request, context, { action: 'rule.restore', object: `rule:${id}`, after }, tx);
        return found;
      });
      changes.notify();
      return restored;
    },
  );

  app.post(
    '/api/placement-rules/preview',
    {
      schema: {
        description: 'Returns what a change of the rules would delete, without making it (operator).',
        body: rulesChangeSchema,
        response: { 200: rulesPreviewSchema },
      },
    },
    async request => {
      const { add, remove } = request.body;
      const rules = await listRules(db);
      const unknown = remove.find(id => !rules.some(rule => rule.id === id));
      if (unknown !== undefined) throw problem('rule-unknown', `There is no rule ${unknown}.`);
      const kept = rules.filter(({ id, removedAt }) => removedAt === undefined && !remove.includes(id));
      const after = [...kept.map(({ rule }) => rule), ...add];
      const preview = previewChange(await readPlacementState(db, Date.now()), after);
      return { ...preview, undoS: retentionMs / 1_000 };
    },
  );
}

/** Lists the sites that a rule names. An unknown site is rejected, because its rule would have no effect, not even `stays`. */
function sitesNamedIn(rule: PlacementRule): readonly SiteId[] {
  if (rule.kind === 'by-hand') return [rule.site];
  const choice = 'of' in rule ? rule.of : rule.at;
  return typeof choice === 'object' && 'sites' in choice ? choice.sites : [];
}

const formatRule = (rule: StoredRule, retentionMs: number): StoredRule =>
  rule.removedAt === undefined
    ? rule
    : { ...rule, restorableUntil: new Date(Date.parse(rule.removedAt) + retentionMs).toISOString() };

const unknownSite = (): Problem => problem('site-unknown', 'There is no such site.');
