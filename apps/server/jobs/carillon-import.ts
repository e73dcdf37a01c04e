// Lets modules in a user's folder import 'carillon'. A resolution hook of Node makes that bare name always mean this
// program's own client, of which there must be only one. 'zod' means the user's own, or ours where the user has
// installed none. This file may import nothing but Node itself, since threads load it alone.
import { registerHooks } from 'node:module';
import { extname } from 'node:path';

let isRegistered = false;

/** Holds for all modules that this thread loads from now on. */
export function resolveCarillonImports(): void {
  if (isRegistered) return;
  isRegistered = true;
  const client = new URL(`../../../libs/client/index${extname(import.meta.url)}`, import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === 'carillon') return { url: client, format: 'module', shortCircuit: true };
      if (specifier !== 'zod') return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}
