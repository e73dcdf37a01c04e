// How do modules in a folder of the user's reach 'carillon'? By a resolution hook of Node's: the bare name always means
// this program's own client, of which there must be only one, wherever the module lies. 'zod' means the user's own,
// and ours where he has installed none. Nothing here may import but Node itself, since threads load this file alone.
import { registerHooks } from 'node:module';
import { extname } from 'node:path';

let isRegistered = false;

/** Holds for all modules that are loaded from now on in this thread. */
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
