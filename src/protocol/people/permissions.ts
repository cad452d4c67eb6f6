/** The schemas of permissions, roles and scopes. The decision that uses them is in decide.ts. */
import * as z from 'zod';
import { siteIdSchema } from '../base/ids.ts';
import { PERMISSIONS, ROLES, type RoleName } from './decide.ts';

export * from './decide.ts';

export const permissionSchema = z.enum(PERMISSIONS);
export const roleSchema = z.enum(Object.keys(ROLES) as [RoleName, ...RoleName[]]);

/** The id of a series: 1 to 64 letters, digits, `.`, `_` and `-`. */
export const seriesIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
export type SeriesId = z.infer<typeof seriesIdSchema>;

const scopeSchema = z.union([
  z.literal('everything'),
  z.strictObject({ site: siteIdSchema }),
  z.strictObject({ series: seriesIdSchema }),
]);
export const assignmentSchema = z.strictObject({ role: roleSchema, scope: scopeSchema });
export const heldPermissionSchema = z.strictObject({ permission: permissionSchema, scope: scopeSchema });
