// The files of the first hour.

/** Three mistakes: an unknown field, an unknown Service, a number for a duration. */
export const shopWithMistakes = `apiVersion: causeway/v1
kind: Service
metadata: {name: orders}
spec:
  endpoints: [{address: 127.0.0.1, port: 9001}]
---
apiVersion: causeway/v1
kind: Route
metadata: {name: orders}
spec:
  hosts: [api.example.com]
  match:
    - path: {prefix: /orders}
  backends:
    - service: order
  timeouts: {request: 10}
`;

export const shop = shopWithMistakes
  .replace('match:', 'matches:')
  .replace('service: order\n', 'service: orders\n')
  .replace('request: 10}', 'request: 10s}');

/** A second Route that takes what the first one takes. */
export const duplicate = `apiVersion: causeway/v1
kind: Route
metadata: {name: orders-copy}
spec:
  hosts: [api.example.com]
  matches:
    - path: {prefix: /orders}
  backends:
    - service: orders
`;

export const hello = `apiVersion: causeway/v1
kind: Service
metadata: {name: hello}
spec:
  endpoints: [{address: 127.0.0.1, port: 9000}]
---
apiVersion: causeway/v1
kind: Route
metadata: {name: hello}
spec:
  matches:
    - path: {prefix: /hello}
  backends:
    - service: hello
`;
