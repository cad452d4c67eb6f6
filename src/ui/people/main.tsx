import { mountPage } from '../components/page.tsx';
import { People } from './people.tsx';

mountPage(People, 'central');
