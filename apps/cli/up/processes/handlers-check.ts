// node handlers-check.js FOLDER: do the handlers of the folder load? A process of its own, since a module is loaded once in
// each, and since what a module does as it loads ends with it. The reason is its exit's only line.
import { loadHandlerFolder } from '#server/jobs/handler-folder.js';

const [folder = ''] = process.argv.slice(2);
await loadHandlerFolder(folder).then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`, () => process.exit(1));
  },
);
