// Writes the literal bytes that the protocol tests expect, as the real implementations make them:
// lib0, y-protocols, Yjs 13, Yjs 14 and the Hocuspocus providers 2, 3 and 4, in the versions that
// tests/interop/package-lock.json pins.
//
//     npm ci --prefix tests/interop && node tests/vectors/generate.mjs
//
// All client ids, texts and session ids are fixed, so a second run writes the same files.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const { resolve } = createRequire(new URL('../interop/package.json', import.meta.url))
const load = async (name) => import(pathToFileURL(resolve(name)))

const encoding = await load('lib0/encoding')
const sync = await load('y-protocols/sync')
const auth = await load('y-protocols/auth')
const awarenessProtocol = await load('y-protocols/awareness')
const Y = await load('yjs')
const Y14 = await load('@y/y')

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const encode = (write) => {
  const encoder = encoding.createEncoder()
  write(encoder)
  return hex(encoding.toUint8Array(encoder))
}
const save = (name, value) =>
  writeFileSync(new URL(name, import.meta.url), JSON.stringify(value, null, 1) + '\n')

// ---------------------------------------------------------------- lib0

const uints = [
  0, 1, 63, 64, 127, 128, 255, 300, 16383, 16384, 2 ** 21 - 1, 2 ** 21, 2 ** 31 - 1, 2 ** 31,
  2 ** 32 - 1, 2 ** 32, 2 ** 49 - 1, 2 ** 49, 2 ** 53 - 1
]
const ints = [0, 1, -1, 63, -63, 64, -64, 8191, 8192, -8192, 2 ** 31 - 1, -(2 ** 31 - 1), 2 ** 53 - 1]
const texts = ['', 'a', 'Händel', '音楽', '𝄞 clef', 'x'.repeat(200)]
save('lib0.json', {
  uints: uints.map((n) => [n, encode((e) => encoding.writeVarUint(e, n))]),
  ints: ints.map((n) => [n, encode((e) => encoding.writeVarInt(e, n))]),
  texts: texts.map((s) => [s, encode((e) => encoding.writeVarString(e, s))])
})

// ---------------------------------------------------------------- y-protocols

const withText = (clientID, text) => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  doc.getText('t').insert(0, text)
  return doc
}
const doc = withText(2 ** 40 + 7, 'Fuge')
const awareness = new awarenessProtocol.Awareness(doc)
awareness.setLocalState({ user: { name: '音楽', color: '#abc' }, at: 4 })
const awarenessUpdate = awarenessProtocol.encodeAwarenessUpdate(awareness, [doc.clientID])
awarenessProtocol.removeAwarenessStates(awareness, [doc.clientID], 'gone')
const withdrawal = awarenessProtocol.encodeAwarenessUpdate(awareness, [doc.clientID])
clearInterval(awareness._checkInterval)
const message = (type, write) => encode((e) => { encoding.writeVarUint(e, type); write(e) })
save('y_protocols.json', {
  client_id: doc.clientID,
  state: JSON.stringify({ user: { name: '音楽', color: '#abc' }, at: 4 }),
  state_vector: hex(Y.encodeStateVector(doc)),
  clocks: [...Y.decodeStateVector(Y.encodeStateVector(doc))],
  update: hex(Y.encodeStateAsUpdate(doc)),
  update_v2: hex(Y.encodeStateAsUpdateV2(doc)),
  step1: message(0, (e) => sync.writeSyncStep1(e, doc)),
  step2: message(0, (e) => sync.writeSyncStep2(e, doc)),
  sync_update: message(0, (e) => sync.writeUpdate(e, Y.encodeStateAsUpdate(doc))),
  awareness: message(1, (e) => encoding.writeVarUint8Array(e, awarenessUpdate)),
  withdrawal: message(1, (e) => encoding.writeVarUint8Array(e, withdrawal)),
  empty_awareness: message(1, (e) => encoding.writeVarUint8Array(
    e, awarenessProtocol.encodeAwarenessUpdate(awareness, []))),
  query_awareness: message(3, () => {}),
  denied: message(2, (e) => auth.writePermissionDenied(e, 'Händel only'))
})

// ---------------------------------------------------------------- Hocuspocus

class FakeSocket extends EventTarget {
  static latest = null
  constructor () { super(); this.frames = []; this.readyState = 1; FakeSocket.latest = this }
  send (frame) { this.frames.push(hex(frame)) }
  close () {}
  hear (bytes) { this.dispatchEvent(Object.assign(new Event('message'), { data: bytes.buffer })) }
}
const bytesOf = (...values) => Uint8Array.from(values.flat())
const turn = () => new Promise((resolve) => setTimeout(resolve, 20))

async function provider (version, options = {}) {
  const { HocuspocusProvider, HocuspocusProviderWebsocket } =
    await load(`hocuspocus-provider-${version}`)
  const websocketProvider = new HocuspocusProviderWebsocket({
    url: 'ws://unused', WebSocketPolyfill: FakeSocket
  })
  const document = new Y.Doc()
  document.clientID = 41
  const one = new HocuspocusProvider({
    websocketProvider, name: 'Fuge/1', token: 'geheim', document, ...options
  })
  if (options.sessionAwareness) one.sessionId = 's3ssion'
  one.attach?.()
  await turn()
  const socket = FakeSocket.latest
  const name = [...Buffer.from(options.sessionAwareness ? 'Fuge/1\0s3ssion' : 'Fuge/1')]
  const prefix = [name.length, ...name]
  const said = {}
  const say = async (label, act) => {
    const before = socket.frames.length
    await act()
    await turn()
    said[label] = socket.frames.slice(before)
  }
  await say('open', async () => {
    socket.dispatchEvent(new Event('open'))
    await turn()
    // A first frame from the server makes the provider send what it has queued.
    socket.hear(bytesOf(prefix, 2, 2, 10, [...Buffer.from('read-write')]))
  })
  await say('edit', () => document.getText('t').insert(0, 'a'))
  await say('presence', () => one.awareness.setLocalState({ at: 1 }))
  await say('stateless', () => one.sendStateless('{"x":1}'))
  await say('asked', () => socket.hear(bytesOf(prefix, 3)))
  await say('step1', () => socket.hear(bytesOf(prefix, 0, 0, 1, 0)))
  await say('token_request', () => socket.hear(bytesOf(prefix, 2, 0)))
  await say('ping', () => socket.hear(bytesOf(9)))
  await say('leave', () => one.destroy())
  websocketProvider.destroy()
  return said
}

const silence = console.error
console.error = () => {} // version 2 logs what it does not know
process.on('uncaughtException', () => {}) // and throws at a ping
save('hocuspocus.json', {
  v2: await provider(2),
  v3: await provider(3),
  v4: await provider(4),
  v4_session: await provider(4, { sessionAwareness: true })
})
console.error = silence

// ---------------------------------------------------------------- updates

// What an update holds, as Yjs reads it.
function shape (library, bytes) {
  const { structs, ds } = library.decodeUpdate(bytes)
  return {
    update: hex(bytes),
    structs: structs.map((s) => [
      s.id.client, s.id.clock, s.length, s.constructor.name,
      s.content ? s.content.constructor.name : null
    ]),
    references: structs.filter((s) => s.content).flatMap((s) =>
      [s.origin, s.rightOrigin, s.parent?.client === undefined ? null : s.parent]
        .filter((id) => id).map((id) => [s.id.client, id.client, id.clock])),
    deletes: [...ds.clients].flatMap(([client, ranges]) =>
      (ranges.getIds ? ranges.getIds() : ranges).map((r) => [client, r.clock, r.len]))
  }
}

function scenarios (library, edits) {
  const cases = {}
  for (const [name, edit] of Object.entries(edits)) {
    const doc = new library.Doc({ gc: name !== 'kept' })
    doc.clientID = 2 ** 33 + 5
    const updates = []
    doc.on('update', (update) => updates.push(update))
    edit(doc, library)
    cases[name] = [...updates, library.encodeStateAsUpdate(doc)].map((u) => shape(library, u))
  }
  return cases
}

const merge = (library, updates) => library.mergeUpdates(updates)
const edits13 = {
  typing: (d) => { const t = d.getText('t'); t.insert(0, 'c'); t.insert(1, 'd'); t.insert(0, '𝄞é音') },
  deleting: (d) => { const t = d.getText('t'); t.insert(0, 'Das Wohltemperierte'); t.delete(4, 4); t.delete(0, 1) },
  formatting: (d) => {
    const t = d.getText('t')
    t.insert(0, 'abc', { bold: true })
    t.format(1, 1, { link: { href: '/ä', tags: [1, 2, { deep: [null] }] }, bold: null })
    t.insertEmbed(1, { image: 'x', size: 1.5 })
  },
  values: (d) => {
    const m = d.getMap('m')
    m.set('all', [undefined, null, true, false, 0, -1, 2 ** 31, 1.5, Math.PI, 12345678901234567890n % 1000n, 'é', new Uint8Array([1, 2]), { a: { b: [] } }])
    m.set('all', 1)
    m.set('bytes', new Uint8Array([0, 255]))
    m.delete('bytes')
  },
  arrays: (d) => { const a = d.getArray('a'); a.insert(0, [1, 'x', { y: 2 }]); a.insert(1, [null]); a.delete(0, 2) },
  nested: (d, L) => {
    const m = new L.Map(); d.getMap('root').set('m', m)
    const a = new L.Array(); m.set('a', a)
    a.insert(0, [new L.Map(), new L.Text('in'), 5])
    d.getMap('root').delete('m')
  },
  xml: (d, L) => {
    const f = d.getXmlFragment('x'); const e = new L.XmlElement('p'); f.insert(0, [e])
    e.setAttribute('class', 'c'); e.insert(0, [new L.XmlText('hi'), new L.XmlElement('ü')])
  },
  subdocument: (d, L) => { d.getMap('m').set('part', new L.Doc({ guid: 'part-1', autoLoad: true, meta: { n: 1 } })) },
  collected: (d, L) => { const m = d.getMap('m'); const n = new L.Map(); m.set('n', n); n.set('x', 1); n.set('y', 2); m.delete('n') },
  kept: (d) => { const t = d.getText('t'); t.insert(0, 'abcdef'); t.delete(1, 2) },
  strangers: (d, L) => {
    for (const id of [3, 2 ** 53 - 1]) {
      const other = new L.Doc(); other.clientID = id
      L.applyUpdate(other, L.encodeStateAsUpdate(d))
      other.getText('t').insert(0, `from ${id}`); other.getText('t').insert(2, '!')
      L.applyUpdate(d, L.encodeStateAsUpdate(other))
      d.getText('t').insert(1, 'mine')
    }
  },
  empty: () => {}
}
const updates = scenarios(Y, edits13)
{
  // A gap between two updates becomes a Skip when they are merged.
  const d = new Y.Doc(); d.clientID = 9
  const all = []; d.on('update', (u) => all.push(u))
  for (const c of 'abcd') d.getArray('a').push([c])
  updates.gap = [merge(Y, [all[0], all[2]]), merge(Y, [all[1], all[3]])].map((u) => shape(Y, u))
}
const text14 = (d) => d.get('t')
const updates14 = scenarios(Y14, {
  typing: (d) => { text14(d).insert(0, 'c'); text14(d).insert(1, '𝄞'); text14(d).delete(0, 1) },
  attributes: (d) => { d.get('m').setAttr('k', { a: [1, null] }); d.get('m').setAttr('k', 2) },
  formatting: (d) => { text14(d).insert(0, 'abc'); text14(d).format(1, 1, { bold: true }) },
  nested: (d, L) => { const child = new L.Type('p'); d.get('x').insert(0, [child]); child.insert(0, 'hi'); d.get('x').insert(1, [new L.Type(), 5]); d.get('x').delete(0, 1) }
})
save('updates.json', { yjs13: updates, yjs14: updates14 })
process.exit(0)
