// Read BPMN documents from a JSON list of texts (standard input) and print what bpmn-io finds wrong with each.
import { readFileSync } from "node:fs";
import { BpmnModdle } from "bpmn-moddle";
import Linter from "bpmnlint/lib/linter.js";
import NodeResolver from "bpmnlint/lib/resolver/node-resolver.js";

const found = [];
for (const text of JSON.parse(readFileSync(0, "utf-8"))) {
  const { rootElement, warnings } = await new BpmnModdle().fromXML(text);
  const linter = new Linter({ config: { extends: "bpmnlint:recommended" }, resolver: new NodeResolver() });
  found.push({ warnings: warnings.map(String), reports: await linter.lint(rootElement) });
}
console.log(JSON.stringify(found));
