// Which methods does a path have? Any other method is answered 405 with those in Allow, OPTIONS with the same list. A
// last segment with a colon names a verb, and matches routes of verbs alone: otherwise `GET /tenants/acme:suspend`
// would read a tenant of that name. The routes are public (/openapi.json), so no key is needed here.
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { ProblemError } from './problem.js';

interface Served {
  path: RegExp;
  isVerb: boolean;
  methods: string[];
}

interface Router {
  stack: readonly { route?: { path: unknown; methods: Readonly<Record<string, boolean>> } }[];
}

const OURS = /^\/(api|healthz)\//;
const VERB = /:[^/]*\/?$/;

export function answerMethods(app: NestExpressApplication): RequestHandler {
  let served: Served[] | null = null;
  return (request, response, next): void => {
    if (!OURS.test(request.path.toLowerCase())) return next();
    // The routes are bound after this, when the application is ready.
    served ??= servedBy(app);
    const isVerb = VERB.test(request.path);
    const methods = served
      .filter((route) => route.isVerb === isVerb && route.path.test(request.path))
      .flatMap((route) => route.methods);
    if (methods.length === 0 && isVerb)
      return next(new ProblemError('not-found', `expected a verb of the API, got ${request.path}`));
    if (methods.length === 0 || methods.includes(request.method)) return next();
    const allow = [...new Set([...methods, 'OPTIONS'])].join(', ');
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', allow).end();
      return;
    }
    const detail = `expected one of ${allow}, got ${request.method}`;
    next(new ProblemError('method-not-allowed', detail, { headers: { allow } }));
  };
}

function servedBy(app: NestExpressApplication): Served[] {
  const { router } = app.getHttpAdapter().getInstance() as unknown as { router: Router };
  return router.stack.flatMap(({ route }) => {
    if (route === undefined || typeof route.path !== 'string' || !OURS.test(route.path)) return [];
    const names = Object.keys(route.methods).map((method) => method.toUpperCase());
    const methods = names.includes('GET') ? [...names, 'HEAD'] : names;
    return [{ path: patternOf(route.path), isVerb: /\\:[^/]*$/.test(route.path), methods }];
  });
}

/** Supports the paths of our controllers: parameters and verbs, and no other pattern. */
function patternOf(path: string): RegExp {
  const pattern = path
    .replaceAll('.', String.raw`\.`)
    .replaceAll(/(?<!\\):\w+/g, '[^/]+')
    .replaceAll(String.raw`\:`, ':');
  return new RegExp(`^${pattern}/?$`, 'i');
}
