// Loaded before a client with `--require`: sends the hosts the client has compiled in to the
// server under test, and shifts the client's clock where a test asks for that. The client itself
// stays as published, and nothing outside its process changes.
'use strict'

const net = require('node:net')

const FIXED_HOSTS = /(^|\.)(adobelogin\.com|adobe\.io)$/i
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/i

const port = Number(process.env.COUNTERSIGN_TLS_PORT)
const clockOffset = Number(process.env.COUNTERSIGN_CLOCK_OFFSET_SECONDS ?? 0) * 1000

// Every connection of http, https, tls and fetch ends in this one method. TLS keeps the name it
// was asked for, because it read its own options before, and so checks the certificate as always.
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  return connect.apply(this, redirected(args))
}

function redirected (args) {
  const normalized = Array.isArray(args[0]) // how net.connect hands its arguments on
  const options = normalized ? args[0][0] : args[0]
  if (typeof options !== 'object' || options === null || !options.host) return args

  const target = { ...options, ...address(options) }
  if (!normalized) return [target, ...args.slice(1)]
  args[0][0] = target
  return args
}

function address ({ host, port: asked }) {
  if (LOOPBACK.test(host)) return {}
  if (FIXED_HOSTS.test(host) && Number(asked) === 443 && port) return { host: '127.0.0.1', port }
  // A test never leaves the machine: telemetry and update checks find nobody there.
  return { host: '127.0.0.1', port: 9 }
}

if (clockOffset !== 0) shiftClock()

function shiftClock () {
  const Real = Date
  globalThis.Date = class Date extends Real {
    constructor (...args) {
      super(...(args.length === 0 ? [Real.now() + clockOffset] : args))
    }

    static now () {
      return Real.now() + clockOffset
    }
  }
}
