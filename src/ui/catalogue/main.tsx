import { mountPage } from '../components/page.tsx';
import { Catalogue } from './catalogue.tsx';

mountPage(() => <Catalogue part="central" />, 'central');
