// Takes out of the browser's module what nothing calls there, but tables of function pointers and exports keep.
// Called by scripts/build, before wasm-opt: a snipped body is a trap, and all that only it needed goes with it.
//
// usage: node scripts/snip.mjs MODULE    (with its name section)
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { BINARYEN_ROOT } = process.env;
const require = createRequire(pathToFileURL(`${BINARYEN_ROOT}/`));
const { default: binaryen } = await import(pathToFileURL(require.resolve("binaryen")));

const NEVER_CALLED = [
  /hydrate_async|with_async_value/, // for islands and lazy pages; ours are taken over in one go (`hydrate_body`)
  /hydrate_from_template/, // for the `template!` macro
  /into_any_attr::clone/, // for attributes that are spread over components; ours are not
  /any_view::elements|Mountable>::elements/, // the same
  /wasm_streams/, // for streams of server functions, of which there are none
];
// What wasm-bindgen exports of those streams.
const NEVER_USED = /intounderlying/;

const [path] = process.argv.slice(2);
const module = binaryen.readBinary(readFileSync(path));
// What rustc emits. With more, binaryen writes what browsers do not read yet.
const { BulkMemory, BulkMemoryOpt, Multivalue, MutableGlobals, NontrappingFPToInt, ReferenceTypes, SignExt } = binaryen.Features;
module.setFeatures(BulkMemory | BulkMemoryOpt | Multivalue | MutableGlobals | NontrappingFPToInt | ReferenceTypes | SignExt);
let snipped = 0;
for (let index = 0; index < module.getNumFunctions(); index += 1) {
  const name = binaryen.getFunctionInfo(module.getFunctionByIndex(index)).name;
  if (!NEVER_CALLED.some((pattern) => pattern.test(name))) continue;
  binaryen.Function(module.getFunctionByIndex(index)).setBody(module.unreachable());
  snipped += 1;
}
for (let index = module.getNumExports() - 1; index >= 0; index -= 1) {
  const { name } = binaryen.getExportInfo(module.getExportByIndex(index));
  if (NEVER_USED.test(name)) module.removeExport(name);
}
// Without names nothing is found, and the page would grow unnoticed.
if (snipped === 0) throw new Error(`${path} has no names: is it stripped already?`);
writeFileSync(path, module.emitBinary());
console.error(`snipped ${snipped} functions`);
