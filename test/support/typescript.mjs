// How does plain Node run our TypeScript? It strips types by itself; what it lacks is our way to name files: an
// import says './ring.js' and means ring.ts. This hook looks for the .ts file where there is no .js file. For
// commands of the tests that are no test themselves: node --conditions=source --import ./test/support/typescript.mjs
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !specifier.endsWith('.js')) throw error;
      return next(specifier.replace(/\.js$/, '.ts'), context);
    }
  },
});
