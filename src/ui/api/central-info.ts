/** `GET /api/info` of central. */
import type { z } from 'zod';
import type { centralInfoSchema } from '../../protocol/central.ts';

export type CentralInfo = z.infer<typeof centralInfoSchema>;
