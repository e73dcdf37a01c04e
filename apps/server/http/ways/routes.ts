// Which route does a request go to, and which methods does its path have? Any other method is answered 405 with those in
// Allow, OPTIONS with the same list. A last segment with a colon names a verb, and matches routes of verbs alone: otherwise
// `GET /tenants/acme:suspend` would read a tenant of that name. The routes are public (/openapi.json), so no key is needed
// here. Express's router tries one route after the other, of which there are more than a hundred; here those are tried
// that have as many segments, and the request goes straight to the one that was found.
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { ProblemError } from '../problems/problem.js';
import { unreadPath } from '../problems/problem.filter.js';

/** A route of Express's router, which matches, decodes parameters and calls what belongs to the route. */
interface Layer {
  route?: { path: unknown; methods: Readonly<Record<string, boolean>> };
  match(path: string): { params: Request['params'] } | false;
  handle(request: Request, response: Response, next: NextFunction): unknown;
}

interface Served {
  path: RegExp;
  methods: readonly string[];
  layer: Layer;
  /** Of a verb: it, and what stands before its colon. */
  verb: string | undefined;
  stem: RegExp;
}

interface FoundRequest extends Request {
  foundRoute?: Layer;
}

type ExpressHost = Pick<NestExpressApplication, 'getHttpAdapter'>;

const OURS = /^\/(api|healthz)\//i;
const VERB = /:[^/]*\/?$/;

/** Answers a method that the path does not have, and remembers the route for `goToRoute`. */
export function answerMethods(app: ExpressHost): RequestHandler {
  let served: Map<string, Served[]> | null = null;
  return (request: FoundRequest, response, next): void => {
    const { path, method } = request;
    if (!OURS.test(path)) return next();
    // The routes are bound after this, when the application is ready.
    served ??= servedBy(app);
    const ofForm = served.get(formOf(path)) ?? [];
    const routes = ofForm.filter((route) => route.path.test(path));
    const found = routes.find(({ methods }) => methods.includes(method));
    if (found !== undefined) {
      request.foundRoute = found.layer;
      return next();
    }
    if (routes.length > 0) return refuseMethod(routes, { request, response, next });
    next(VERB.test(path) ? new ProblemError('not-found', unknownVerb(path, ofForm)) : undefined);
  };
}

/** Everything that Express has between this step and the route is left out. A request without a route goes on. */
export const goToRoute: RequestHandler = (request: FoundRequest, response, next): void => {
  const { foundRoute, path } = request;
  if (foundRoute === undefined) return goOn(path, next);
  // Throws for an escape in the path that can't be decoded.
  const match = foundRoute.match(path);
  if (match === false) return next();
  request.params = match.params;
  // Once: a route that calls next() goes on as one without.
  delete request.foundRoute;
  foundRoute.handle(request, response, next);
};

function goOn(path: string, next: NextFunction): void {
  const fault = unreadPath(path);
  next(fault === null ? undefined : new ProblemError('bad-request', fault));
}

function unknownVerb(path: string, routes: readonly Served[]): string {
  const verbs = routes.flatMap(({ stem, verb }) =>
    verb !== undefined && stem.test(path.replace(VERB, '')) ? [verb] : [],
  );
  const expected =
    verbs.length === 0
      ? 'a path without a verb'
      : `one of the verbs ${[...new Set(verbs)].toSorted().join(', ')}`;
  return `expected ${expected}, got ${path}`;
}

function refuseMethod(
  routes: readonly Served[],
  { request, response, next }: { request: Request; response: Response; next: NextFunction },
): void {
  const allow = [...new Set([...routes.flatMap(({ methods }) => methods), 'OPTIONS'])].join(', ');
  if (request.method === 'OPTIONS') {
    response.status(204).set('Allow', allow).end();
    return;
  }
  const detail = `expected one of ${allow}, got ${request.method}`;
  next(new ProblemError('method-not-allowed', detail, { headers: { allow } }));
}

/** In the order in which they were bound, by the form of their paths. */
function servedBy(app: ExpressHost): Map<string, Served[]> {
  const { router } = app.getHttpAdapter().getInstance() as unknown as { router: { stack: readonly Layer[] } };
  const served = new Map<string, Served[]>();
  for (const layer of router.stack) {
    const { path, methods = {} } = layer.route ?? {};
    if (typeof path !== 'string' || !OURS.test(path)) continue;
    const names = Object.keys(methods).map((method) => method.toUpperCase());
    const shape = shapeOf(path);
    const form = formOf(shape);
    const route = {
      path: patternOf(path),
      stem: patternOf(path.replace(/\\:[^/]*$/, '')),
      verb: VERB.exec(shape)?.[0].slice(1),
      methods: names.includes('GET') ? [...names, 'HEAD'] : names,
      layer,
    };
    served.set(form, [...(served.get(form) ?? []), route]);
  }
  return served;
}

/** How many segments it has, and whether the last one names a verb. A slash at the end makes none. */
function formOf(path: string): string {
  const segments = path.split('/').length - (path.endsWith('/') ? 1 : 0);
  return `${segments}${VERB.test(path) ? ':' : ''}`;
}

/** A path that the route matches; only a verb has a colon in it. */
function shapeOf(path: string): string {
  return path.replaceAll(/(?<!\\):\w+/g, 'name').replaceAll(String.raw`\:`, ':');
}

/** Supports the paths of our controllers: parameters and verbs, and no other pattern. */
function patternOf(path: string): RegExp {
  const pattern = path
    .replaceAll('.', String.raw`\.`)
    .replaceAll(/(?<!\\):\w+/g, '[^/]+')
    .replaceAll(String.raw`\:`, ':');
  return new RegExp(`^${pattern}/?$`, 'i');
}
