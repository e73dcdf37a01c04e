// How must a browser treat an answer? It guesses no types, sends no referrer, frames nothing, and stores no answer of
// the API, which may hold a secret that is shown once. The documentation page may load files from this server; every
// other answer may load nothing.
import type { NextFunction, Request, Response } from 'express';

/** Swagger UI brings its styles within the page, and its pictures as data. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const API_POLICY = "default-src 'none'; frame-ancestors 'none'";

export function setSecurityHeaders({ path }: Request, response: Response, next: NextFunction): void {
  const isPage = /^\/docs(\/|$)/i.test(path);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Content-Security-Policy', isPage ? PAGE_POLICY : API_POLICY);
  if (!isPage) response.setHeader('Cache-Control', 'no-store');
  next();
}
