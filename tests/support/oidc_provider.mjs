// A real provider of OpenID Connect (npm oidc-provider) for tests: node oidc_provider.mjs PACKAGE PORT CONFIG
// CONFIG: JSON {redirect_uri, jwks, people: {login: claims}}. Whoever gives a login is that person; no password is asked.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , directory, port, config] = process.argv;
const { default: Provider } = await import(pathToFileURL(`${directory}/lib/index.js`));
const { redirect_uri, jwks, people } = JSON.parse(readFileSync(config, "utf-8"));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "certferry", client_secret: "a secret of forty characters and not less", redirect_uris: [redirect_uri] }],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["a key for the cookies of this provider"] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => (id in people ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
  jwks,
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
