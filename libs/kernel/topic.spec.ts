// Does a topic call every listener, and none whose subscription has ended?
import { describe, expect, it } from 'vitest';
import { Topic } from './topic.js';

describe('a topic', () => {
  it('tells its listeners at once and in the order in which they came', () => {
    const topic = new Topic<string>();
    const told: string[] = [];
    topic.subscribe((message) => told.push(`first ${message}`));
    topic.subscribe((message) => told.push(`second ${message}`));
    topic.publish('a');
    topic.publish('b');
    expect(told).toEqual(['first a', 'second a', 'first b', 'second b']);
  });

  it('tells nothing to whoever has ended the subscription, and the others as before', () => {
    const topic = new Topic<number>();
    const told: string[] = [];
    const end = topic.subscribe((message) => told.push(`ended ${message}`));
    topic.subscribe((message) => told.push(`stayed ${message}`));
    end();
    end();
    topic.publish(1);
    expect(told).toEqual(['stayed 1']);
  });

  it('lets a listener end its subscription while it is told, and still tells the rest', () => {
    const topic = new Topic<void>();
    const told: string[] = [];
    const end = topic.subscribe(() => {
      told.push('once');
      end();
    });
    topic.subscribe(() => told.push('always'));
    topic.publish();
    topic.publish();
    expect(told).toEqual(['once', 'always', 'always']);
  });

  it('keeps nothing for whoever comes later', () => {
    const topic = new Topic<number>();
    const told: number[] = [];
    topic.publish(1);
    topic.subscribe((message) => told.push(message));
    expect(told).toEqual([]);
  });
});
