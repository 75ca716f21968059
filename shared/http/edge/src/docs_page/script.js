"use strict";
const $ = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text, so nothing is ever read as markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text whose `parts in backticks` are code. */
function prose(text = "") {
  return text.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));
}

let api = {};
function resolve(node) {
  if (!node || !node.$ref) return node || {};
  const found = node.$ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/")], api);
  return { ...found, ...node, $name: node.$ref.split("/").pop() };
}

function typeOf(schema) {
  const known = resolve(schema);
  if (known.enum) return known.enum.join(" | ");
  if (known.const !== undefined) return JSON.stringify(known.const);
  if (known.type === "array") return `list of ${typeOf(known.items || {})}`;
  if (known.$name) return known.$name;
  if (known.type) return known.format ? `${known.type}, ${known.format}` : known.type;
  const choices = known.oneOf || known.anyOf;
  return choices ? choices.map(typeOf).join(" or ") : "any";
}

function boundsOf(schema) {
  const words = { minimum: "from", maximum: "to", minLength: "min. length", maxLength: "max. length", pattern: "matches", default: "default" };
  return Object.keys(words).filter((key) => schema[key] !== undefined)
    .map((key) => `${words[key]} ${typeof schema[key] === "string" ? schema[key] || '""' : JSON.stringify(schema[key])}`).join(", ");
}

/** The members of an object, each with those below it; a schema inside itself is not opened again. */
function members(schema, seen = []) {
  const known = resolve(schema);
  const parts = [known, ...(known.allOf || []).map(resolve)];
  const choices = known.oneOf || (known.properties ? [] : known.anyOf) || [];
  const properties = Object.assign({}, ...parts.map((part) => part.properties || {}));
  const required = parts.flatMap((part) => part.required || []);
  if (known.$name && seen.includes(known.$name)) return null;
  const path = known.$name ? [...seen, known.$name] : seen;
  const rows = Object.entries(properties).flatMap(([name, member]) => row(name, member, required.includes(name), path));
  for (const choice of choices) rows.push(...row(`as ${typeOf(choice)}`, choice, false, path, true));
  if (known.additionalProperties?.$ref) rows.push(...row("any name", known.additionalProperties, false, path));
  return rows.length ? make("dl", {}, rows) : null;
}

function row(name, schema, isRequired, seen, isChoice = false) {
  const known = resolve(schema);
  const inside = members(known.type === "array" ? known.items : schema, seen);
  const bounds = boundsOf(known);
  return [
    make("dt", {}, name, make("small", {}, isChoice ? "" : typeOf(schema), isRequired ? make("span", { class: "must" }, " required") : "")),
    make("dd", {}, prose(known.description), bounds ? make("small", {}, bounds) : null,
      inside ? make("details", {}, make("summary", {}, "Members"), make("div", {}, inside)) : null),
  ];
}

/** A value that fits the schema: its example, else its required members. */
function example(schema, depth = 0) {
  const known = resolve(schema);
  if (known.examples?.length) return known.examples[0];
  if (known.default !== undefined) return known.default;
  if (known.enum) return known.enum[0];
  const choice = (known.oneOf || known.anyOf || [])[0];
  if (choice && !known.properties) return example(choice, depth);
  if (known.type === "object" && depth < 4) {
    return Object.fromEntries((known.required || []).map((name) => [name, example(known.properties?.[name], depth + 1)]));
  }
  return { array: [], integer: 1, number: 1, boolean: true, string: "text" }[known.type] ?? {};
}

function curl(route) {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name) => {
    const parameter = route.parameters.find((one) => one.in === "path" && one.name === name);
    return parameter?.example ?? name;
  });
  const lines = [`curl ${route.verb === "get" ? "" : `-X ${route.verb.toUpperCase()} `}${location.origin}${path}`];
  const body = route.requestBody?.content?.["application/json"]?.schema;
  if (body) {
    const quoted = JSON.stringify(example(body), null, 2).replaceAll("'", "'\\''");
    lines.push("-H 'Content-Type: application/json'", `-d '${quoted}'`);
  }
  return lines.join(" \\\n  ");
}

function copyable(text) {
  const button = make("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousSibling);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return make("div", { class: "curl" }, make("pre", { tabindex: "0" }, text), button);
}

function requestOf(route) {
  const parts = [];
  if (route.parameters.length) {
    parts.push(make("h4", {}, "Parameters"), make("dl", {}, route.parameters.flatMap((one) => [
      make("dt", {}, one.name, make("small", {}, one.in, one.required ? make("span", { class: "must" }, " required") : "")),
      make("dd", {}, prose(one.description), make("small", {}, boundsOf(resolve(one.schema)))),
    ])));
  }
  const body = route.requestBody?.content?.["application/json"]?.schema;
  if (body) parts.push(make("h4", {}, `Body: ${typeOf(body)}`), make("p", {}, prose(resolve(body).description)), members(body) || "");
  return parts.length ? make("details", {}, make("summary", {}, "Request"), make("div", {}, parts)) : null;
}

function repliesOf(route) {
  const parts = Object.entries(route.responses).map(([status, response]) => {
    const known = resolve(response);
    const schema = Object.values(known.content || {})[0]?.schema;
    const inside = schema && members(schema);
    return [make("dt", {}, status), make("dd", {}, prose(known.description),
      inside ? make("details", {}, make("summary", {}, "Members"), make("div", {}, inside)) : null)];
  });
  return make("details", {}, make("summary", {}, `Replies: ${Object.keys(route.responses).join(", ")}`), make("div", {}, make("dl", {}, parts.flat())));
}

function card(route) {
  const path = route.path.split(/(\{\w+\})/).map((part) => (part.startsWith("{") ? make("b", {}, part) : part));
  return make("article", { id: route.operationId, class: route.verb },
    make("div", { class: "head" }, make("span", { class: "verb" }, route.verb.toUpperCase()), make("span", { class: "path" }, path),
      make("span", { class: "effect", title: "What a caller must be allowed to do" }, route["x-effect"] || "")),
    make("p", {}, prose(route.summary)), copyable(curl(route)), requestOf(route), repliesOf(route));
}

function show(document_) {
  api = document_;
  $("version").textContent = api.info.version;
  $("about").replaceChildren(...prose(api.info.description));
  const routes = Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ ...operation, verb, path, parameters: operation.parameters || [] })));
  for (const tag of api.tags) {
    const own = routes.filter((route) => route.tags.includes(tag.name));
    $("routes").append(make("section", {}, make("h2", {}, tag.name), make("p", {}, prose(tag.description)), own.map(card)));
    $("index").append(make("div", {}, make("h2", {}, tag.name), make("ul", {}, own.map((route) =>
      make("li", { "data-text": `${route.verb} ${route.path} ${route.summary} ${route.operationId}`.toLowerCase() },
        make("a", { href: `#${route.operationId}`, class: route.verb },
          make("span", { class: "verb" }, route.verb.toUpperCase()), route.path))))));
  }
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

$("find").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const item of document.querySelectorAll("#index li")) item.hidden = !words.every((word) => item.dataset.text.includes(word));
  for (const group of $("index").children) group.hidden = !group.querySelector("li:not([hidden])");
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement.tagName !== "INPUT") { event.preventDefault(); $("find").focus(); }
});
fetch("/openapi.json").then((reply) => {
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
  return reply.json();
}).then(show).catch((error) => {
  $("routes").replaceChildren(make("p", { class: "failed" }, `The document /openapi.json could not be read: ${error.message}.`));
});
